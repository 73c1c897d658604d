"""Labels, weights, callbacks, optimizers and shapes in every form that Keras takes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import addons, full_curriculum
from gtn_tf.errors import ArgumentError, GTNError
from gtn_tf.inner import logits_of
from gtn_tf.labels import AnyLabels, accuracy, as_integers, expect_labels
from gtn_tf.non_finite import NonFiniteError

legacy = tf.keras.optimizers.legacy
losses = tf.keras.losses

IMAGES = np.random.default_rng(0).normal(size=[10, 4, 4, 1]).astype(np.float32)
LABELS = np.random.default_rng(1).integers(0, 3, 10)
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
SOFT = 0.7 * ONE_HOT + 0.1


def trained(gtn: gtn_tf.GTN, y: np.ndarray = LABELS, x: np.ndarray = IMAGES, **kwargs):
    """All weights after two meta-iterations, as one vector."""
    gtn.fit(x, y, batch_size=5, verbose=0, shuffle=False, **kwargs)
    return np.concatenate([v.numpy().ravel() for v in gtn.trainable_variables])


@pytest.fixture(scope="module")
def make_gtn():
    """The GTN that is traced fastest: distilled images, one dense layer."""

    def make(optimizer=None, **kwargs) -> gtn_tf.GTN:
        tf.keras.utils.set_random_seed(0)
        gtn = gtn_tf.GTN(
            kwargs.pop("teacher", None)
            or gtn_tf.teachers.DatasetDistillation((4, 4, 1), 3, steps=2, batch_size=4),
            kwargs.pop("learners", None)
            or gtn_tf.learners.MLPLearners([], weight_norm=False, batch_norm="none"),
            gtn_tf.LearnedSGD(kwargs.pop("learning_rate", 0.1), 0.5, steps=2),
            **kwargs,
        )
        gtn.compile(optimizer or tf.keras.optimizers.SGD(0.1))
        return gtn

    return make


@pytest.fixture(scope="module")
def plain(make_gtn):
    return trained(make_gtn())


def test_labels_of_any_form_are_the_same_labels(make_gtn, plain) -> None:
    gtn = make_gtn()
    start = gtn.get_weights()
    for labels in (LABELS[:, np.newaxis], ONE_HOT, ONE_HOT.astype(int)):
        gtn.set_weights(start)
        gtn.compile(tf.keras.optimizers.SGD(0.1))
        np.testing.assert_allclose(trained(gtn, labels), plain, atol=1e-6)
    gtn.set_weights(start)
    gtn.compile(
        tf.keras.optimizers.SGD(0.1), losses.CategoricalCrossentropy(from_logits=True)
    )
    np.testing.assert_allclose(trained(gtn), plain, atol=1e-6)
    assert gtn.evaluate(IMAGES, SOFT, verbose=0, return_dict=True)["accuracy"] <= 1


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, np.newaxis], ONE_HOT])
@pytest.mark.parametrize(
    "loss",
    [
        losses.SparseCategoricalCrossentropy(from_logits=True),
        losses.CategoricalCrossentropy(from_logits=True),
    ],
)
def test_either_cross_entropy_takes_either_label(loss, labels) -> None:
    logits = np.random.default_rng(2).normal(size=[10, 3]).astype(np.float32)
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = -np.log(shares[np.arange(10), LABELS])
    found = AnyLabels(loss).call(tf.constant(labels), tf.constant(logits))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    right = accuracy(tf.constant(labels), tf.constant(logits))
    np.testing.assert_array_equal(right, LABELS == logits.argmax(-1))


def test_soft_and_smoothed_labels_have_the_loss_of_their_shares() -> None:
    logits = np.random.default_rng(2).normal(size=[10, 3]).astype(np.float32)
    log_shares = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = -(SOFT * log_shares).sum(-1)
    found = AnyLabels().call(tf.constant(SOFT), tf.constant(logits))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # 0.3 of the label is shared out among all three classes.
    smoothed = losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.3)
    found = AnyLabels(smoothed).call(tf.constant(LABELS), tf.constant(logits))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_array_equal(as_integers(SOFT), LABELS)


def test_a_loss_of_the_users_own_is_given_labels_as_they_are() -> None:
    given = []

    def own(y_true, y_pred):
        given.append(y_true)
        return tf.reduce_sum(y_pred, axis=-1)

    AnyLabels(own).call(tf.constant(SOFT), tf.constant(ONE_HOT))
    np.testing.assert_array_equal(given[0], SOFT)
    again = AnyLabels.from_config(AnyLabels("categorical_crossentropy").get_config())
    assert again.loss is losses.categorical_crossentropy


@pytest.mark.parametrize(
    "labels, message",
    [
        (None, "received images alone"),
        (np.zeros([4, 2]), r"probabilities of the classes, received \[4, 2\]"),
        (np.zeros([4, 3, 1]), r"received \[4, 3, 1\]"),
        (np.array([1, 3]), "labels from 0 to 2, received 1 to 3"),
        (np.array([[-1], [0]]), "labels from 0 to 2, received -1 to 0"),
    ],
)
def test_what_cannot_be_labels_is_told_before_a_trace(
    make_gtn, labels, message
) -> None:
    with pytest.raises(ArgumentError, match=message):
        expect_labels(labels, 3)
    with pytest.raises(ArgumentError, match=message) as caught:
        make_gtn().fit(IMAGES[: 4 if labels is None else len(labels)], labels)
    assert "\n" not in str(caught.value)


def test_the_meta_loss_is_weighted_as_keras_weights_a_loss(make_gtn, plain) -> None:
    weights = np.random.default_rng(3).uniform(0, 3, 10).astype(np.float32)
    by_class = {0: 1.0, 1: 5.0, 2: 0.1}
    found = trained(make_gtn(), sample_weight=weights)
    assert np.abs(found - plain).max() > 1e-3
    ones = trained(make_gtn(), sample_weight=np.ones(10))
    np.testing.assert_allclose(ones, plain, atol=1e-6)
    data = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS, weights)).batch(5)
    gtn = make_gtn()
    gtn.fit(data, verbose=0)
    as_dataset = np.concatenate([v.numpy().ravel() for v in gtn.trainable_variables])
    np.testing.assert_allclose(as_dataset, found, atol=1e-5)
    as_weights = np.array([by_class[label] for label in LABELS])
    np.testing.assert_allclose(
        trained(make_gtn(), class_weight=by_class),
        trained(make_gtn(), sample_weight=as_weights),
        atol=1e-5,
    )


@pytest.mark.parametrize("unroll", ["nested_tapes", "keep", "recompute"])
def test_a_weight_of_two_is_an_example_twice(make_gtn, unroll) -> None:
    """Of four examples, and of six: the sums are divided by four and by six."""
    gtn = make_gtn(unroll=unroll, estimator=gtn_tf.FullUnroll(intermediate_every=1))
    learner = gtn.pool[0]
    weights = [tf.identity(one) for one in learner.trainable]
    seed = tf.constant([0, 1])
    rows = [0, 1, 1, 2, 3, 3]
    repeated = IMAGES[rows], LABELS[rows]
    gradient, variables = gtn.meta.gradient, gtn.trainable_variables
    twice, twice_each = gradient(0, weights, repeated, seed, variables)
    counted = IMAGES[:4], LABELS[:4], np.array([1.0, 2.0, 1.0, 2.0], np.float32)
    once, once_each = gradient(0, weights, counted, seed, variables)
    loss_of_six, loss_of_four = float(twice.meta_loss) * 6, float(once.meta_loss) * 4
    assert loss_of_six == pytest.approx(loss_of_four, rel=1e-5)
    for a, b in zip(twice_each, once_each):
        np.testing.assert_allclose(a * 6, b * 4, rtol=1e-3, atol=1e-5)


def test_evaluate_and_weighted_metrics_are_weighted(make_gtn) -> None:
    gtn = make_gtn()
    gtn.compile("sgd", metrics=["accuracy"], weighted_metrics=["mse"])
    one = np.eye(10, dtype=np.float32)[4]
    found = gtn.evaluate(IMAGES, LABELS, sample_weight=one, verbose=0, return_dict=True)
    gtn.evaluations.assign(0)
    plain = gtn.evaluate(IMAGES, LABELS, verbose=0, return_dict=True)
    assert found["accuracy"] == plain["accuracy"]
    assert found["mse"] != plain["mse"]
    gtn.evaluations.assign(0)
    alone = gtn.evaluate(IMAGES[4:5], LABELS[4:5], verbose=0, return_dict=True)
    assert found["meta_loss"] * 10 == pytest.approx(alone["meta_loss"], rel=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: legacy.SGD(0.1),
        lambda: addons().optimizers.Lookahead(legacy.SGD(0.1)),
        lambda: addons().optimizers.SGDW(weight_decay=0.0, learning_rate=0.1),
    ],
)
def test_legacy_optimizers_step_as_todays(make_gtn, plain, make) -> None:
    gtn = make_gtn(optimizer=make())
    np.testing.assert_allclose(trained(gtn), plain, atol=1e-5)
    before = gtn.get_weights()
    with pytest.raises(NonFiniteError):
        gtn.max_skipped = 2
        trained(gtn, x=IMAGES * np.nan)
    for a, b in zip(gtn.trainable_variables, before):
        np.testing.assert_array_equal(a, b)


def test_legacy_optimizers_step_in_several_replicas(make_gtn, two_replicas) -> None:
    with two_replicas.scope():
        gtn = make_gtn(optimizer=legacy.SGD(0.1))
    before = gtn.get_weights()[0]
    gtn.fit(IMAGES, LABELS, batch_size=10, verbose=0)
    assert not np.array_equal(gtn.get_weights()[0], before)
    assert int(gtn.skipped.numpy()) == 0


def test_callbacks_are_taken_as_keras_takes_them(make_gtn) -> None:
    gtn, ended = make_gtn(), []
    note = tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ended.append(1))
    together = tf.keras.callbacks.CallbackList([note], add_history=True, model=gtn)
    for callbacks in (None, note, [note], (note,), together):
        history = gtn.fit(IMAGES, LABELS, callbacks=callbacks, verbose=0)
        assert len(history.history["meta_loss"]) == 1
    assert len(ended) == 4


def test_grey_images_need_no_channel(make_gtn, plain) -> None:
    np.testing.assert_array_equal(trained(make_gtn(), x=IMAGES[..., 0]), plain)
    gtn = make_gtn()
    trained(gtn)
    trained(gtn, x=IMAGES[..., 0])  # Keras then traces for images of any rank
    assert gtn_tf.Generator((4, 4), 3).image_shape == (4, 4, 1)
    with pytest.raises(
        ArgumentError, match=r"images \[4, 4, 1\].*received \[8, 8, 1\]"
    ):
        gtn.fit(np.zeros([5, 8, 8, 1]), LABELS[:5])
    for shape in ((4, 4, 1, 1), (0, 4), "44", (4.5, 4)):
        with pytest.raises(ArgumentError, match="image_shape: expected"):
            gtn_tf.Generator(shape, 3)


def test_predict_gives_the_logits_of_a_taught_learner(make_gtn) -> None:
    gtn = make_gtn()
    logits = gtn.predict(IMAGES, batch_size=4, verbose=0)
    state = gtn.meta.teach(0, tf.constant(0))
    expected = logits_of(gtn.pool[0], state, tf.constant(IMAGES))
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    np.testing.assert_allclose(logits, gtn.predict(IMAGES, verbose=0), atol=1e-5)


def test_a_gtn_is_saved_and_loaded_as_any_keras_model(make_gtn, tmp_path) -> None:
    path = tmp_path / "gtn.keras"
    estimator = gtn_tf.LengtheningUnroll(1, intermediate_every=1)
    gtn = make_gtn(estimator=estimator, seed=5, unroll="recompute")
    checkpoint = tf.keras.callbacks.ModelCheckpoint(str(path))
    trained(gtn, callbacks=checkpoint)
    loaded = tf.keras.models.load_model(path)
    assert loaded.get_config() == gtn.get_config()
    assert loaded.estimator == estimator
    assert int(loaded.iterations) == 2 and loaded.unroll == "recompute"
    np.testing.assert_array_equal(trained(loaded), trained(gtn))
    clone = tf.keras.models.clone_model(gtn)
    assert [v.shape for v in clone.variables] == [v.shape for v in gtn.variables]
    for other in (tmp_path / "folder", tmp_path / "gtn.h5"):
        with pytest.raises(ArgumentError, match="ends with .keras; gtn.export"):
            gtn.save(other)


@pytest.mark.parametrize(
    "old, expected",
    [
        ((1, 0, 0, 5), gtn_tf.FullUnroll(1)),
        ((0, 2, 0, 5), gtn_tf.TruncatedUnroll(2)),
        ((1, 0, 1, 7), gtn_tf.LengtheningUnroll(1, 7, 1)),
    ],
)
def test_a_gtn_saved_by_an_earlier_version(make_gtn, old, expected) -> None:
    names = "intermediate_every", "truncate_every", "initial_steps", "lengthen_every"
    config = {**make_gtn().get_config(), **dict(zip(names, old))}
    del config["estimator"]
    assert gtn_tf.GTN.from_config(config).estimator == expected


def test_a_saved_gtn_is_loaded_in_a_process_that_has_only_imported_gtn_tf(
    make_gtn, tmp_path
) -> None:
    learners = gtn_tf.learners
    mixed = learners.MixedLearners(
        [learners.ConvLearners([(2, 5)], []), learners.MLPLearners([3])]
    )
    path = tmp_path / "gtn.keras"
    make_gtn(learners=mixed).save(path)
    program = f"""
import gtn_tf, tensorflow as tf
gtn = tf.keras.models.load_model({str(path)!r})
parts = gtn.learners.get_config()["parts"]
print(type(gtn).__name__, len(gtn.pool), parts[0]["filters"])
"""
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stdout.split("\n")[-2] == "GTN 2 [[2, 5]]"


def test_what_cannot_be_saved_is_told(make_gtn, tmp_path) -> None:
    teacher = gtn_tf.teachers.RealData(IMAGES, ONE_HOT, 3, steps=2, batch_size=40)
    np.testing.assert_array_equal(
        np.sort(np.unique(teacher.batches(tf.constant([0, 0]))[1])), np.unique(LABELS)
    )
    with pytest.raises(GTNError, match="RealData.*gtn.save_weights"):
        make_gtn(teacher=teacher).save(tmp_path / "gtn.keras")
    with pytest.raises(ArgumentError, match="received 'Mine'"):
        gtn_tf.learners.Learners.from_config({"kind": "Mine"})


def test_mixed_precision_is_refused_in_one_sentence() -> None:
    from gtn_tf.precision import precision

    generator = full_curriculum().generator
    with precision("mixed_bfloat16"):
        with pytest.raises(ArgumentError, match="global policy mixed_bfloat16"):
            gtn_tf.Generator((4, 4, 1), 3)
        with pytest.raises(ArgumentError, match="set_global_policy"):
            gtn_tf.GTN(
                gtn_tf.teachers.NoCurriculum(generator, 3, 4),
                gtn_tf.learners.MLPLearners([3]),
                gtn_tf.LearnedSGD(steps=3),
            )


def test_a_skipped_meta_iteration_does_not_count(make_gtn) -> None:
    images = IMAGES.copy()
    images[7] = np.nan  # of the second of two batches
    gtn = make_gtn()
    found = gtn.fit(images, LABELS, batch_size=5, shuffle=False, verbose=0).history
    alone = make_gtn().fit(IMAGES[:5], LABELS[:5], batch_size=5, verbose=0).history
    assert found["skipped"] == [1]
    assert found["meta_loss"] == pytest.approx(alone["meta_loss"])
    assert found["accuracy"] == pytest.approx(alone["accuracy"])
    nothing = gtn.fit(IMAGES[:5] * np.nan, LABELS[:5], verbose=0).history
    assert np.isnan(nothing["meta_loss"][0])  # and not 0


def test_what_is_not_finite_is_named(make_gtn) -> None:
    bad = np.where(np.arange(10) % 5 == 3, np.inf, 1.0)
    with pytest.raises(NonFiniteError, match="The real data itself is not finite"):
        trained(make_gtn(max_skipped=2), x=IMAGES * np.nan)
    with pytest.raises(NonFiniteError, match="The real data itself is not finite"):
        trained(make_gtn(max_skipped=2), sample_weight=bad)
    with pytest.raises(NonFiniteError, match="Lower the learning rate"):
        trained(make_gtn(max_skipped=2, learning_rate=1e30))
