"""What a search tells before its first candidate, and what it never compares."""

from __future__ import annotations

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from gtn_tf.errors import ArgumentError
from gtn_tf.search import (
    GTNScorer,
    GTNTuner,
    RealDataScorer,
    Scorer,
    ScoringData,
    SearchError,
    score,
)
from gtn_tf.search.data import scoring_data
from gtn_tf.search.identity import identity
from tiny_teacher import make_teacher

layers = tf.keras.layers
IMAGES = np.random.default_rng(0).normal(size=[12, 4, 4, 1]).astype(np.float32)
LABELS = np.arange(12) % 3
DATA = {"x": IMAGES, "y": LABELS, "validation_data": (IMAGES, LABELS), "verbose": 0}
LOSS = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def build(hp: keras_tuner.HyperParameters, classes: int = 3, compiled: bool = True):
    model = tf.keras.Sequential([layers.Input([4, 4, 1]), layers.Flatten()])
    model.add(layers.Dense(hp.Int("units", 2, 9)))
    model.add(layers.Dense(classes))
    if compiled:
        model.compile("sgd", LOSS, ["accuracy"])
    return model


class Constant(Scorer):
    """A score that needs no training."""

    name = "constant"

    def __init__(self, value: float = 1.0) -> None:
        self.value = value

    def __call__(self, build, data, seed) -> float:
        return self.value


class Failing(Scorer):
    """Fails on every candidate, with a number in its reason."""

    name = "failing"

    def __init__(self, alike: bool = True) -> None:
        self.alike = alike
        self._calls = 0

    def __call__(self, build, data, seed) -> float:
        self._calls += 1
        reason = "out of luck" if self.alike else "abcdefgh"[: self._calls]
        raise ValueError(f"{reason}: model {self._calls}")


def tuner(folder, hypermodel=build, **kwargs) -> GTNTuner:
    settings = {"scorer": Constant(), "candidates": 2, "top_k": 0, "seed": 1, **kwargs}
    return GTNTuner(hypermodel, directory=folder, project_name="s", **settings)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"validation_data": None}, "scorer gtn_score: expected validation data"),
        ({"x": None, "y": None}, "expected training data for the full trainings"),
        ({"y": np.eye(3)[LABELS]}, r"labels of shapes \[\[2, 4, 4, 1\], \[2, 3\]\]"),
        ({"y": LABELS[:5]}, "expected one label for each image, received 12 and 5"),
        ({"x": IMAGES * np.nan}, "training data: expected finite numbers"),
        (
            {"validation_data": (np.zeros([2, 8, 8, 1]), LABELS[:2])},
            r"expected images \[4, 4, 1\], as the teacher's are, received \[8, 8, 1\]",
        ),
        (
            {"validation_data": (IMAGES, LABELS + 1)},
            "expected labels from 0 to 2, received 1 to 3",
        ),
    ],
)
def test_data_that_cannot_work_is_told_at_once(tmp_path, changes, message) -> None:
    searching = tuner(tmp_path, scorer="gtn", teacher=make_teacher(), steps=2, top_k=1)
    with pytest.raises(SearchError, match=message) as caught:
        searching.search(**{**DATA, **changes})
    assert "\n" not in str(caught.value)
    assert not searching.oracle.trials


@pytest.mark.parametrize(
    "hypermodel, settings, message",
    [
        (lambda hp: hp.Int("units", 2, 9), {}, "returns a Keras model.*returns int"),
        (lambda hp: build(hp, compiled=False), {}, "expected a compiled model"),
        (lambda hp: build(hp, classes=7), {}, r"expected outputs \[batch, 3\]"),
        (
            build,
            {"objective": keras_tuner.Objective("val_f1", "max")},
            "metrics give, accuracy, loss, val_accuracy, val_loss, received 'val_f1'",
        ),
    ],
)
def test_networks_that_cannot_work_are_told_at_once(
    tmp_path, hypermodel, settings, message
) -> None:
    settings = {"scorer": "gtn", "teacher": make_teacher(), "top_k": 1, **settings}
    searching = tuner(tmp_path, hypermodel, steps=2, **settings)
    with pytest.raises(SearchError, match=message):
        searching.search(**DATA)
    assert not searching.oracle.trials


def test_a_callback_of_the_users_own_may_report_the_objective(tmp_path) -> None:
    class Report(tf.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_f1"] = 0.5

    searching = tuner(
        tmp_path, objective=keras_tuner.Objective("val_f1", "max"), top_k=1
    )
    searching.search(**DATA, callbacks=[Report()])
    assert searching.oracle.get_best_trials()[0].score == 0.5


def test_three_failures_alike_stop_a_search(tmp_path) -> None:
    searching = tuner(tmp_path, scorer=Failing(), candidates=7)
    with pytest.raises(SearchError, match="the first 3 candidates failed.*out of luck"):
        searching.search(**DATA)
    assert len(searching.oracle.trials) == 3
    again = tuner(tmp_path, scorer=Failing(), candidates=7)
    with pytest.raises(SearchError, match="overwrite=True"):
        again.search(**DATA)
    mended = tuner(tmp_path, candidates=3, overwrite=True)
    mended.search(**DATA)
    assert len(mended.oracle.ranking()) == 3


@pytest.mark.slow
def test_a_search_without_any_result_says_so(tmp_path) -> None:
    searching = tuner(tmp_path, scorer=Failing(alike=False), candidates=4)
    with pytest.raises(
        SearchError, match="all candidates failed: ValueError: a: model"
    ):
        searching.search(**DATA)
    assert len(searching.oracle.trials) == 4

    class Untrainable(keras_tuner.HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, *args, **kwargs):
            raise ValueError("no training today")

    searching = tuner(tmp_path / "fit", Untrainable(), top_k=2)
    with pytest.raises(SearchError, match="all trainings failed: .*no training today"):
        searching.search(**DATA)


@pytest.mark.slow
def test_other_settings_do_not_go_on_with_a_search(tmp_path) -> None:
    teacher = make_teacher()
    settings = {"scorer": "gtn", "teacher": teacher, "steps": 2}
    tuner(tmp_path, **settings).search(**DATA)
    other = make_teacher(images=teacher.images + 1)
    longer = {**settings, "steps": 3}
    refused = [
        (longer, {}, r"gtn_score.steps: 2 != 3"),
        ({**settings, "scorer": "real"}, {}, "scorer: gtn_score != real_score"),
        ({**settings, "teacher": other}, {}, "gtn_score.teacher: teacher "),
        ({"scorer": GTNScorer(teacher, 2, learners=2)}, {}, "learners: 1 != 2"),
        (
            {"scorer": ["gtn", "params"], "teacher": teacher},
            {},
            "scorer: gtn_score != ",
        ),
        ({**settings, "seed": 2}, {}, "seed: 1 != 2"),
        (settings, {"validation_data": (IMAGES[:6], LABELS[:6])}, "validation data: "),
        (settings, {"x": IMAGES + 1}, "training data: "),
        (settings, {"batch_size": 4}, "batch_size: 32 != 4"),
    ]
    for changed, data, message in refused:
        with pytest.raises(SearchError, match=f"{message}.*overwrite=True"):
            tuner(tmp_path, **changed).search(**{**DATA, **data})
    scored = tuner(tmp_path, **settings, candidates=3)
    scored.search(**DATA, epochs=7)  # more candidates, and epochs, are no other scores
    assert len(scored.oracle.ranking()) == 3
    anew = tuner(tmp_path, **longer, overwrite=True)
    anew.search(**DATA)
    assert len(anew.oracle.ranking()) == 2


def test_another_network_does_not_go_on_with_a_search(tmp_path) -> None:
    def deeper(hp):
        model = build(hp)
        return tf.keras.Sequential([*model.layers[:-1], layers.ReLU(), layers.Dense(3)])

    def wider(hp):
        hp.Int("depth", 1, 2)
        return build(hp)

    tuner(tmp_path).search(**DATA)
    tuner(tmp_path).search(**DATA)
    for hypermodel, message in ((deeper, "network: "), (wider, "search space: ")):
        with pytest.raises(SearchError, match=message):
            tuner(tmp_path, hypermodel).search(**DATA)


def batches(*arrays: np.ndarray) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(arrays).batch(4)


def of_data(data: tf.data.Dataset) -> str:
    return identity([Constant()], [], {}, ScoringData(None, data), 0)["validation data"]


def test_datasets_are_told_apart_unless_they_are_shuffled() -> None:
    one = of_data(batches(IMAGES, LABELS))
    assert one == of_data(batches(IMAGES, LABELS))
    assert one != of_data(batches(IMAGES + 1, LABELS))
    assert one != of_data(batches(IMAGES, LABELS[::-1]))
    shuffled = batches(IMAGES, LABELS).shuffle(9)
    assert of_data(shuffled) == of_data(batches(IMAGES + 1, LABELS).shuffle(9))


def test_validation_split_is_keras_last_share(tmp_path) -> None:
    data = scoring_data(IMAGES, LABELS, validation_split=0.3)
    np.testing.assert_array_equal(data.train[1], LABELS[:8])
    np.testing.assert_array_equal(data.validation[0], IMAGES[8:])
    arguments = {"x": IMAGES, "y": LABELS, "validation_split": 0.3, "verbose": 0}
    searching = tuner(tmp_path, scorer="gtn", teacher=make_teacher(), steps=2, top_k=1)
    searching.search(**arguments)
    (best,) = searching.oracle.get_best_trials()
    found = searching.load_model(best).evaluate(IMAGES[8:], LABELS[8:], verbose=0)
    assert found[1] == pytest.approx(best.score)


@pytest.mark.parametrize("form", ["column", "one_hot", "soft"])
def test_scores_do_not_depend_on_the_form_of_labels(form) -> None:
    one_hot = np.eye(3, dtype=np.float32)[LABELS]
    labels = {"column": LABELS[:, None], "one_hot": one_hot, "soft": one_hot * 0.9}[
        form
    ]
    train = labels if form != "soft" else one_hot
    scorers = [GTNScorer(make_teacher(), 2), RealDataScorer(2)]

    def scores(train_labels, validation_labels):
        data = ScoringData((IMAGES, train_labels), (IMAGES, validation_labels), 4)
        hp = keras_tuner.HyperParameters()
        return score(lambda: build(hp), scorers, data, seed=0)

    assert scores(train, labels) == pytest.approx(scores(LABELS, LABELS), rel=1e-5)


def test_training_speed_is_on_one_scale_whatever_follows_the_softmax() -> None:
    def with_head(*head: layers.Layer):
        def make() -> tf.keras.Model:
            stack = [layers.Input([4, 4, 1]), layers.Flatten(), layers.Dense(3), *head]
            return tf.keras.Sequential(stack)

        return make

    data = ScoringData((IMAGES, LABELS), (IMAGES, LABELS), 4)
    heads = ((), (layers.Softmax(),), (layers.Softmax(), layers.Reshape([3])))
    speeds = [
        score(with_head(*head), [RealDataScorer(4, by="tse")], data, 0)["real_tse"]
        for head in heads
    ]
    assert speeds == pytest.approx([speeds[0]] * 3, rel=1e-4)


def test_class_and_sample_weights_reach_the_scorer_of_real_data() -> None:
    def speed(**weights) -> float:
        data = scoring_data(IMAGES, LABELS, batch_size=4, **weights)
        data = ScoringData(data.train, (IMAGES, LABELS), 4, data.class_weight)
        hp = keras_tuner.HyperParameters()
        scorers = [RealDataScorer(3, by="tse")]
        return score(lambda: build(hp), scorers, data, 0)["real_tse"]

    assert speed(sample_weight=np.zeros(12)) == 0
    assert speed(class_weight={0: 0.0, 1: 0.0, 2: 0.0}) == 0
    assert speed() < 0


def test_a_teachers_name_is_a_teacher() -> None:
    space = gtn_tf.search.NASBench201Space((8, 8), 10, cells=0, filters=2)
    assert space.image_shape == (8, 8, 1)
    with pytest.raises(ArgumentError, match="'gtn': expected a teacher"):
        GTNTuner(build)


def test_a_home_directory_is_expanded(tmp_path, monkeypatch, tiny_gtn) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    tuner("~/found").search(**DATA)
    assert (tmp_path / "found" / "s" / "results.csv").exists()
    teacher = gtn_tf.load_teacher("digits")
    teacher.save_npz("~/lessons.npz")
    teacher.copy_saved_model("~/served/1")
    assert gtn_tf.load_teacher("~/lessons.npz").digest == teacher.digest
    assert gtn_tf.load_teacher("~/served").digest == teacher.digest
    tiny_gtn().export("~/exported/1")
    assert (tmp_path / "exported" / "1" / "saved_model.pb").exists()
    assert not (tmp_path / "~").exists()
