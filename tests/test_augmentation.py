"""Meta-training on augmented lessons and real batches."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import full_curriculum, real_batches
from gtn_tf import Augmentation, inner, runs
from gtn_tf.build import build_gtn, build_real_data_gtn
from gtn_tf.config import ConfigError, load_config
from gtn_tf.learners.pool import TRAINING, VALIDATION, fold
from gtn_tf.names import UNROLLS

ALL = Augmentation(shift=1, mirror=True, cutout=2)


def distilled(steps=3):
    size = (4, 4, 1), 3, steps
    return gtn_tf.teachers.DatasetDistillation(*size, batch_size=4, soft_labels=4.0)


def weights_of(gtn):
    return [v.numpy() for v in gtn.trainable_variables]


def taught_by_hand(gtn, seed, weights, steps):
    """A learner after some lessons, augmented outside of all hooks."""
    images, labels = gtn.teacher.batches(seed)
    images = ALL(images, fold(seed, -2), tf.range(gtn.teacher.steps))
    inputs = inner.InnerInputs(images, labels, gtn.inner_optimizer.hyperparameters())
    loop = gtn.meta.inner_loop(gtn.pool[0])
    first = inner.init_state(loop, weights)
    return loop, inner.train(loop, first, inputs.at(slice(steps)))


def test_the_real_batch_is_augmented_as_the_last_lesson(tiny_gtn):
    gtn = tiny_gtn(augmentation=ALL)
    real = images, labels = next(iter(real_batches()))
    seed = gtn.pool.seed(TRAINING, 0)
    weights = gtn.pool.draw(0, fold(seed, 0))[1]
    variables = gtn.trainable_variables
    found, gradients = gtn.meta.gradient(0, weights, real, seed, variables)
    loop, state = taught_by_hand(gtn, seed, weights, steps=3)
    moved = ALL(images[tf.newaxis], fold(seed, -2), tf.constant([2]))[0]
    assert not np.array_equal(moved, images)
    expected, _ = inner.meta_loss(loop, state, (moved, labels))
    assert float(found.meta_loss) == pytest.approx(float(expected), rel=1e-5)
    assert all(np.any(gradient) for gradient in gradients)
    # A meta-iteration of `fit` is the same.
    history = gtn.fit(tf.data.Dataset.from_tensors(real), verbose=0).history
    assert history["meta_loss"][0] == pytest.approx(float(expected), rel=1e-5)


def test_the_last_lesson_is_the_last_that_is_in_use(tiny_gtn):
    """Of an inner loop that grows; with sample weights beside the labels."""
    gtn = tiny_gtn(
        teacher=full_curriculum(steps=4),
        estimator=gtn_tf.LengtheningUnroll(2),
        augmentation=ALL,
    )
    images, labels = next(iter(real_batches()))
    shares = tf.constant([1.0, 2.0, 0.0, 1.0, 1.0])
    seed = gtn.pool.seed(TRAINING, 0)
    weights = gtn.pool.draw(0, fold(seed, 0))[1]
    loop, state = taught_by_hand(gtn, seed, weights, steps=2)
    moved = ALL(images[tf.newaxis], fold(seed, -2), tf.constant([1]))[0]
    expected, _ = inner.meta_loss(loop, state, (moved, labels, shares))
    data = tf.data.Dataset.from_tensors((images, labels, shares))
    found = gtn.fit(data, verbose=0).history["meta_loss"][0]
    assert found == pytest.approx(float(expected), rel=1e-5)


def test_the_lessons_of_a_window_are_augmented_as_among_all(tiny_gtn):
    gtn = tiny_gtn(augmentation=ALL)
    seed, window = gtn.pool.seed(TRAINING, 0), slice(tf.constant(1), tf.constant(3))
    found = gtn.meta.inner_inputs(seed, window)
    all_steps = gtn.meta.inner_inputs(seed)
    assert not np.allclose(all_steps.images, gtn.teacher.batches(seed)[0])
    np.testing.assert_allclose(found.images, all_steps.images[1:], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("window", [gtn_tf.PersistentWindow, gtn_tf.RandomWindow])
def test_a_window_of_all_steps_is_the_full_unroll(tiny_gtn, window):
    found = []
    for estimator in (gtn_tf.FullUnroll(0), window(window=3, intermediate_every=0)):
        gtn = tiny_gtn(distilled(), estimator=estimator, augmentation=ALL)
        gtn.fit(real_batches(), steps_per_epoch=2, verbose=0)
        found.append(weights_of(gtn))
    for one, other in zip(*found):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_a_window_that_ends_early_tests_on_the_images_of_its_last_step(tiny_gtn):
    gtn = tiny_gtn(estimator=gtn_tf.PersistentWindow(window=1), augmentation=ALL)
    real = images, labels = next(iter(real_batches()))
    seed = gtn.pool.seed(TRAINING, 0)
    weights = gtn.pool.draw(0, fold(seed, 0))[1]
    loop, state = taught_by_hand(gtn, seed, weights, steps=1)
    moved = ALL(images[tf.newaxis], fold(seed, -2), tf.constant([0]))[0]
    expected, _ = inner.meta_loss(loop, state, (moved, labels))
    history = gtn.fit(tf.data.Dataset.from_tensors(real), verbose=0).history
    assert history["meta_loss"][0] == pytest.approx(float(expected), rel=1e-5)


def test_validation_images_stay_as_they_are(tiny_gtn):
    """And so does the learner's own test; its lessons are augmented."""
    gtn = tiny_gtn(augmentation=ALL)
    images, labels = next(iter(real_batches()))
    seed = gtn.pool.seed(VALIDATION, 0)
    weights = gtn.pool.draw(0, fold(seed, 0), held_out=True)[1]
    loop, state = taught_by_hand(gtn, seed, weights, steps=3)
    expected, logits = inner.meta_loss(loop, state, (images, labels))
    found = gtn.meta.validation_logits(tf.constant(0), gtn.iterations, images)
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-5)
    data = tf.data.Dataset.from_tensors((images, labels))
    found = gtn.evaluate(data, verbose=0, return_dict=True)["meta_loss"]
    assert found == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.slow
def test_all_unrolls_agree_and_are_the_slope(double_precision, tiny_gtn):
    """With respect to the pixels before they are augmented, in float64."""
    images, labels = next(iter(real_batches()))
    data, seed = (tf.cast(images, tf.float64), labels), tf.constant([0, 1])
    results = {}
    for name in UNROLLS:
        gtn = tiny_gtn(
            teacher=distilled(),
            estimator=gtn_tf.FullUnroll(intermediate_every=2),
            unroll=name,
            augmentation=ALL,
        )
        weights = gtn.pool.draw(0, seed)[1]
        given = 0, weights, data, seed, gtn.trainable_variables
        found, gradients = tf.function(functools.partial(gtn.meta.gradient, *given))()
        results[name] = [found.meta_loss, *gradients]
    assert {*results} == {"nested_tapes", "keep", "recompute"}
    for name in ("keep", "recompute"):
        for a, b in zip(results[name], results["nested_tapes"]):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-12)

    # The objective has an intermediate meta-loss, which is not reported: without it.
    gtn = tiny_gtn(teacher=distilled(), augmentation=ALL)
    variables = gtn.trainable_variables
    run = tf.function(lambda: gtn.meta.gradient(0, weights, data, seed, variables))
    (index,) = [n for n, v in enumerate(variables) if v is gtn.teacher.pixels]
    gradient = run()[1][index].numpy()
    before, losses = gtn.teacher.pixels.numpy(), []
    direction = np.random.default_rng(0).normal(size=before.shape)
    for sign in (1, -1):
        gtn.teacher.pixels.assign(before + sign * 1e-6 * direction)
        losses.append(float(run()[0].meta_loss))
    slope = (losses[0] - losses[1]) / 2e-6
    assert abs(slope) > 1e-4
    assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-4)
    # What is moved out of the image, or covered, has no gradient; the rest has.
    assert 0.2 < np.mean(gradient != 0) < 0.95


def test_another_iteration_is_another_draw(tiny_gtn):
    gtn = tiny_gtn(teacher=distilled(), augmentation=ALL)
    first, again, other = (
        gtn.meta.inner_inputs(gtn.pool.seed(TRAINING, number)).images
        for number in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.slow
def test_two_replicas_draw_the_same(tiny_gtn, two_replicas):
    images, labels = next(iter(real_batches()))
    twice = tf.concat([images, images], 0), tf.concat([labels, labels], 0)

    def train(batch, gtn):
        data = tf.data.Dataset.from_tensors(batch).repeat()
        gtn.fit(data, steps_per_epoch=2, verbose=0)
        return weights_of(gtn)

    settings = {"augmentation": ALL, "optimizer": tf.keras.optimizers.SGD(0.1)}
    expected = train((images, labels), tiny_gtn(learners_per_iteration=2, **settings))
    with two_replicas.scope():
        settings["optimizer"] = tf.keras.optimizers.SGD(0.1)
        gtn = tiny_gtn(**settings)
    for a, b in zip(train(twice, gtn), expected):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_saved_gtn_goes_on_to_the_same_weights(tiny_gtn, tmp_path):
    def fit(gtn, start, steps):
        data = real_batches().skip(start)
        gtn.fit(data, steps_per_epoch=steps, verbose=0)

    whole, first = (tiny_gtn(augmentation=ALL) for _ in range(2))
    fit(whole, 0, 4)
    fit(first, 0, 2)
    first.save(tmp_path / "gtn.keras")
    resumed = tf.keras.models.load_model(tmp_path / "gtn.keras")
    assert resumed.augmentation == ALL
    fit(resumed, 2, 2)
    for a, b in zip(weights_of(resumed), weights_of(whole)):
        np.testing.assert_array_equal(a, b)
    settings = first.get_config()
    del settings["augmentation"]  # as an earlier version saved it
    assert gtn_tf.GTN.from_config(settings).augmentation.is_none


@pytest.mark.slow
def test_nothing_changes_without_augmentation(tiny_gtn):
    gtn = tiny_gtn()
    seed = gtn.pool.seed(TRAINING, 0)
    images, _ = gtn.teacher.batches(seed)
    np.testing.assert_array_equal(gtn.meta.inner_inputs(seed).images, images)
    graph = tf.function(gtn.meta.inner_inputs).get_concrete_function(seed).graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert not [kind for kind in kinds if "Random" in kind or "While" in kind]


def test_images_that_are_too_small_are_refused(tiny_gtn):
    with pytest.raises(ValueError, match="augmentation.shift: expected below 4 for"):
        tiny_gtn(augmentation=Augmentation(shift=4))


def test_a_configuration_augments_the_teachers_lessons_alone():
    small = ["teacher.steps=2", "teacher.batch_size=10", "meta.intermediate_every=0"]
    asked = ["augmentation.shift=1", "augmentation.cutout=2"]
    config, digits = load_config("digits", small + asked), gtn_tf.data.load("digits")
    assert build_gtn(config, digits).augmentation == Augmentation(shift=1, cutout=2)
    assert build_real_data_gtn(config, digits).augmentation.is_none


@pytest.mark.parametrize(
    "setting, message",
    [
        ("mirror=true", "mirror: expected false for digits, whose images may not be"),
        ("shift=8", r"shift: expected below 8 for images \[8, 8, 1\], received 8"),
        ("cutout=-1", "cutout: expected an integer of at least 0, received -1"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(tmp_path, setting, message):
    with pytest.raises(ConfigError, match=message) as caught:
        config = load_config("digits", [f"augmentation.{setting}"])
        runs.train(config, tmp_path / "run", report=lambda line: None)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
