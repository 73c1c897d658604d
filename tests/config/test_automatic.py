"""The automatic configuration: it fits any data, and the time that there is."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtn_tf.config import Config, DataConfig, LearnersConfig, load_config, to_yaml
from gtn_tf.config.automatic import (
    MOST_LESSON_BYTES,
    SECONDS,
    automatic_config,
    automatic_image_size,
    expected_seconds,
    reasons,
)
from gtn_tf.config.cost import DataFacts, iteration_seconds
from gtn_tf.runs.limits import expect_possible
from gtn_tf.teaching import description

sides = st.integers(1, 256)
facts_of_any_data = st.builds(
    DataFacts,
    st.tuples(sides, sides, st.sampled_from([1, 2, 3, 4, 13])),
    st.integers(2, 10_000),
    st.integers(2, 2_000_000),
    st.integers(1, 500_000),
)
cores_of_any_machine = st.integers(1, 256)


def of(height=32, width=32, channels=3, classes=10, train=50_000, validation=5000):
    return DataFacts((height, width, channels), classes, train, validation)


@settings(deadline=None, max_examples=150)
@given(facts_of_any_data, cores_of_any_machine)
def test_any_data_has_a_configuration(facts, cores):
    config = automatic_config(facts, cores)
    splits = SimpleNamespace(
        image_shape=facts.image_shape, num_classes=facts.num_classes
    )
    expect_possible(config, splits)
    assert config.meta.batch_size <= facts.train_images
    assert (
        config.evaluation.real_data_iterations % config.meta.iterations_per_epoch == 0
    )
    lessons = config.teacher.steps * config.teacher.batch_size
    size = 4 * math.prod(facts.image_shape)
    assert lessons * size <= MOST_LESSON_BYTES
    # Each class has a lesson, and if there are few one in each batch, where they fit.
    if size * max(facts.num_classes + 32, 32 * 128) <= MOST_LESSON_BYTES:
        assert lessons >= facts.num_classes
        assert config.teacher.batch_size >= min(facts.num_classes, 128)
    assert len(reasons(config, facts, cores)) == 5


@settings(deadline=None, max_examples=150)
@given(facts_of_any_data, cores_of_any_machine)
def test_it_takes_the_time_that_there_is(facts, cores):
    config = automatic_config(facts, cores)
    if config.meta.iterations > 50:  # the fewest, whatever they take
        assert expected_seconds(config, facts, cores) < 1.2 * SECONDS


@settings(deadline=None, max_examples=150)
@given(facts_of_any_data, st.data())
def test_costs_grow_with_everything(facts, data):
    config = automatic_config(facts, 2)
    seconds = iteration_seconds(config, facts, 2)
    height, width, channels = facts.image_shape
    larger = data.draw(
        st.sampled_from(
            [
                facts._replace(image_shape=(2 * height, width, channels)),
                facts._replace(image_shape=(height, width, channels + 2)),
                facts._replace(num_classes=2 * facts.num_classes),
                facts._replace(validation_images=9 * facts.validation_images),
            ]
        )
    )
    assert seconds <= iteration_seconds(config, larger, 2)
    assert seconds < iteration_seconds(config, facts, 1)
    teacher = dataclasses.replace(config.teacher, batch_size=1000)
    wider = dataclasses.replace(
        config.learners, filters=tuple(2 * n for n in config.learners.filters)
    )
    for more in ({"teacher": teacher}, {"learners": wider}):
        changed = dataclasses.replace(config, **more)
        assert seconds < iteration_seconds(changed, facts, 2)


@settings(deadline=None, max_examples=150)
@given(facts_of_any_data, cores_of_any_machine)
def test_more_cores_never_choose_less(facts, cores):
    def scale(count: int) -> tuple[int, int, int]:
        config = automatic_config(facts, count)
        width = config.learners.filters[0]
        return width, config.meta.batch_size, config.teacher.steps

    assert scale(2 * cores) >= scale(cores)
    one, more = (automatic_config(facts, n).meta.iterations for n in (cores, 2 * cores))
    assert scale(2 * cores) > scale(cores) or more >= one


@pytest.mark.parametrize(
    "height, width, strides", [(8, 8, (1, 2)), (28, 28, (2, 2)), (20, 64, (2, 2, 2))]
)
def test_learners_fit_the_images(height, width, strides):
    learners = automatic_config(of(height, width), 2).learners
    assert learners.strides == strides
    assert learners.filters[1:] == (2 * learners.filters[0],) * (len(strides) - 1)


def test_the_measured_choices():
    config = automatic_config(of(16, 16), cores=2)
    known = load_config("cifar10_16x16")
    for section in ("teacher", "learners", "rate_factors"):
        assert getattr(config, section) == getattr(known, section)
    # 0.88 s beside other work on two cores (results/cifar10_16x16).
    assert 0.4 < iteration_seconds(known, of(16, 16), 2) < 1.0


def test_an_export_can_be_loaded():
    assert MOST_LESSON_BYTES == description.MOST_LESSON_BYTES


def test_labels_of_many_classes_begin_as_sure():
    assert automatic_config(of(classes=2), 2).teacher.soft_labels == 4
    assert automatic_config(of(classes=1000), 2).teacher.soft_labels == 8.7
    assert automatic_config(of(classes=1000), 2).learners.global_pooling


def test_the_datas_own_settings_stay(tmp_path):
    data = DataConfig(path="/x", image_size=(8, 9), resize="pad", on_error="skip")
    config = automatic_config(of(8, 9), 2, data, seed=3)
    assert (config.data, config.seed) == (data, 3)
    (tmp_path / "config.yaml").write_text(to_yaml(config))
    assert load_config(str(tmp_path / "config.yaml")) == config


def test_any_width_has_a_cost():
    drawn = Config(learners=LearnersConfig(filters=((8, 16), 32), units=((4, 8),)))
    least, most = (
        dataclasses.replace(drawn, learners=LearnersConfig(filters=(n, 32), units=(m,)))
        for n, m in ((8, 4), (17, 9))
    )
    costs = [iteration_seconds(one, of(), 2) for one in (least, drawn, most)]
    assert costs == sorted(costs)


@pytest.mark.parametrize(
    "sizes, expected",
    [
        ({(64, 48): 3}, 0),
        ({(65, 10): 3}, (32, 8)),
        ({(600, 400): 9, (400, 600): 1}, (32, 21)),
        ({(10, 14): 9, (7, 7): 3}, (10, 14)),
        ({(4, 4): 1, (5, 5): 1}, (8, 8)),
        ({(2000, 10): 1, (3000, 20): 1}, (32, 8)),
    ],
)
def test_sizes_of_pictures(sizes, expected):
    assert automatic_image_size(sizes) == expected
