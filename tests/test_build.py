"""What a configuration makes, and what its teacher starts from."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from gtn_tf.build import build_gtn, build_real_data_gtn, start
from gtn_tf.config import load_config

SEED = tf.constant([0, 1])
TINY = ["teacher.steps=2", "teacher.batch_size=10", "meta.intermediate_every=1"]


@pytest.fixture(scope="module")
def digits():
    return gtn_tf.data.load("digits")


def lessons_of(gtn):
    return gtn.teacher.batches(SEED)[0].numpy()


def distance(lessons, digits):
    """The mean squared distance to the nearest training image."""
    lessons = lessons.reshape([-1, 1, 64])[:20]
    return ((lessons - digits.train_images.reshape([1, -1, 64])) ** 2).mean(-1).min(1)


@pytest.mark.parametrize("source", ["dataset_distillation", "generator_and_pixels"])
def test_a_real_start_by_configuration(digits, source, two_replicas):
    words = [*TINY, f"teacher.source={source}", "teacher.init=real"]
    words.append("meta.learners_per_iteration=2")  # one for each replica
    config = load_config("digits", words)
    found = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            gtn = build_gtn(config, digits)
        start(gtn, config, digits)
        found.append(lessons_of(gtn))
        assert gtn.teacher.get_config()["init"] == "real"
    np.testing.assert_allclose(*found, atol=1e-5)
    assert distance(found[0], digits).max() < 0.02  # the brightest pixels are cut


def test_a_warm_start_by_configuration(digits):
    words = [*TINY, "generator.warm_start=60", "generator.units=16"]
    config, lines = load_config("digits", words), []
    gtn = build_gtn(config, digits)
    before = distance(lessons_of(gtn), digits).mean()
    start(gtn, config, digits, lines.append)
    assert distance(lessons_of(gtn), digits).mean() < 0.5 * before
    assert lines[-1].startswith("warm start 60/60: squared difference 0.")


def test_a_baseline_learns_rates_where_the_teacher_has_none(digits):
    words = [*TINY[:2], "meta.estimator=ridge", "meta.window=2"]
    config = load_config("digits", [*words, "meta.persistent_learners=3"])
    assert build_gtn(config, digits).estimator == gtn_tf.KernelRidge(2, 3)
    assert build_real_data_gtn(config, digits).estimator == gtn_tf.FullUnroll()


def test_nothing_starts_without_being_asked(digits):
    config = load_config("digits", TINY)
    gtn = build_gtn(config, digits)
    before = lessons_of(gtn)
    start(gtn, config, digits)
    np.testing.assert_array_equal(lessons_of(gtn), before)
    words = ["teacher.source=dataset_distillation", "teacher.init=real"]
    config = load_config("digits", [*TINY, *words])
    start(build_real_data_gtn(config, digits), config, digits)  # has no start
