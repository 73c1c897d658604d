"""Random windows: exact in their limits, and as likely at the ends as in the middle."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import full_curriculum, real_batches
from gtn_tf import inner
from gtn_tf.errors import ArgumentError
from gtn_tf.learners import CellLearners, MLPLearners
from gtn_tf.learners.pool import WINDOW, fold
from gtn_tf.names import UNROLLS

REAL = next(iter(real_batches()))
TWO_NETWORKS = MLPLearners(units=[(2, 9)], architectures=2)


def fit(gtn, iterations, real=REAL):
    data = tf.data.Dataset.from_tensors(real).repeat()
    return gtn.fit(data, steps_per_epoch=iterations, verbose=0).history


def weights_of(gtn):
    return [v.numpy() for v in gtn.trainable_variables]


@pytest.mark.slow
@pytest.mark.parametrize("unroll, count, every", [*zip(UNROLLS, (1, 2, 1), (0, 2, 1))])
def test_a_window_of_all_steps_is_the_full_unroll(tiny_gtn, unroll, count, every):
    found = []
    for estimator in (gtn_tf.FullUnroll(every), gtn_tf.RandomWindow(3, every)):
        settings = {"learners": TWO_NETWORKS, "learners_per_iteration": count}
        gtn = tiny_gtn(estimator=estimator, unroll=unroll, **settings)
        history = fit(gtn, 3)
        found.append([*weights_of(gtn), history["meta_loss"], history["accuracy"]])
    for a, b in zip(*found):
        np.testing.assert_array_equal(a, b)


def test_steps_before_the_window_have_no_gradient(tiny_gtn, double_precision):
    estimator = gtn_tf.RandomWindow(window=2)
    gtn = tiny_gtn(
        teacher=full_curriculum(steps=4),
        learners=MLPLearners(units=[4]),
        estimator=estimator,
        unroll="recompute",
    )

    def first_of(seed):
        return int(estimator.steps_of_fresh(fold(seed, WINDOW), 4).start)

    seeds = (tf.constant([0, number]) for number in range(50))
    seed = next(seed for seed in seeds if first_of(seed) == 1)  # a step on either side
    weights = gtn.pool.draw(0, seed)[1]
    real = tf.cast(REAL[0], tf.float64), REAL[1]
    given = 0, weights, real, seed, gtn.trainable_variables
    found, gradients = tf.function(functools.partial(gtn.meta.gradient, *given))()

    loop = gtn.meta.inner_loop(gtn.pool[0])
    with tf.GradientTape() as tape:
        inputs = gtn.meta.inner_inputs(seed)
        state = inner.init_state(loop, weights)
        for t in range(3):
            state = inner.inner_step(loop, state, inputs.at(t))
            if t == 0:
                state = tf.nest.map_structure(tf.stop_gradient, state)
        expected = inner.meta_loss(loop, state, real)[0]
    assert float(found.meta_loss) == pytest.approx(float(expected), rel=1e-10)
    sources = gtn.trainable_variables
    zero = {"unconnected_gradients": tf.UnconnectedGradients.ZERO}
    for a, b in zip(gradients, tape.gradient(expected, sources, **zero)):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-12)


def test_every_step_is_in_a_window_about_as_often():
    estimator, steps, draws = gtn_tf.RandomWindow(window=3), 8, 600
    seen = np.zeros(steps)
    for seed in tf.unstack(tf.stack([tf.zeros(draws, tf.int32), tf.range(draws)], 1)):
        window = estimator.steps_of_fresh(seed, steps)
        assert 0 <= window.start and window.stop == window.start + 3 <= steps
        seen[int(window.start) : int(window.stop)] += 1
    least = 3 / (steps + 2)  # of the first, the last and those in the middle
    np.testing.assert_allclose(seen[[0, 3, 4, 7]] / draws, least, atol=0.06)
    assert (seen / draws > least - 0.06).all()


def test_every_meta_iteration_has_another_window(tiny_gtn):
    gtn = tiny_gtn(
        teacher=full_curriculum(steps=8),
        estimator=gtn_tf.RandomWindow(2),
        optimizer=tf.keras.optimizers.SGD(0.1),
    )
    changed = []
    for _ in range(5):
        before = gtn.teacher.latents.numpy()
        fit(gtn, 1)
        differs = gtn.teacher.latents.numpy() != before
        changed.append(tuple(np.flatnonzero(differs.any(axis=(1, 2)))))
    assert len(set(changed)) > 1
    assert all(b == a + 1 for a, b in changed)
    assert gtn.train_function.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_two_replicas_are_two_learners_of_one_process(tiny_gtn, two_replicas):
    """With the clip at work: a factor of 1 clips half of all meta-gradients."""
    settings = {"estimator": gtn_tf.RandomWindow(2), "relative_clip": 1.0}
    twice = tuple(tf.concat([x, x], 0) for x in REAL)
    one = tiny_gtn(
        optimizer=tf.keras.optimizers.SGD(0.1), learners_per_iteration=2, **settings
    )
    with two_replicas.scope():
        two = tiny_gtn(optimizer=tf.keras.optimizers.SGD(0.1), **settings)
    expected, found = fit(one, 4), fit(two, 4, twice)
    assert found["meta_loss"] == pytest.approx(expected["meta_loss"], rel=1e-5)
    np.testing.assert_allclose(two.clip.average, one.clip.average, rtol=1e-4)
    for a, b in zip(weights_of(two), weights_of(one)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_fresh_architectures_are_taught_in_windows(tiny_gtn):
    cells = CellLearners("nas_bench_201", 1, 2, architectures="all")
    gtn = tiny_gtn(estimator=gtn_tf.RandomWindow(2), learners=cells)
    before = weights_of(gtn)
    fit(gtn, 2)
    assert int(gtn.skipped) == 0
    assert any(np.any(a != b) for a, b in zip(weights_of(gtn), before))


@pytest.mark.parametrize(
    "estimator, message",
    [
        ((5,), "window: expected a number of steps from 1 to 4, received 5"),
        ((0,), "window: expected a number of steps from 1 to 4, received 0"),
        ((2, 2), "intermediate_every: expected 0 or .* below 2, received 2"),
    ],
)
def test_windows_that_do_not_fit_are_refused(estimator, message):
    with pytest.raises(ArgumentError, match=message):
        gtn_tf.RandomWindow(*estimator).check(steps=4)


def test_a_gtn_with_random_windows_is_saved_and_loaded(tiny_gtn, tmp_path):
    gtn = tiny_gtn(estimator=gtn_tf.RandomWindow(2, 1), relative_clip=2.0)
    gtn.save(tmp_path / "gtn.keras")
    loaded = tf.keras.models.load_model(tmp_path / "gtn.keras")
    assert loaded.get_config() == gtn.get_config()
    assert loaded.estimator == gtn_tf.RandomWindow(2, 1)
    assert loaded.relative_clip == 2.0
