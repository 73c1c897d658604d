"""Persistent windows: exact in their limits, and resumed with the same bits."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import full_curriculum, real_batches
from gtn_tf.errors import ArgumentError
from gtn_tf.learners import CellLearners, MLPLearners
from gtn_tf.names import UNROLLS

REAL = next(iter(real_batches()))
TWO_NETWORKS = MLPLearners(units=[(2, 9)], architectures=2)


def fit(gtn, iterations, real=REAL):
    data = tf.data.Dataset.from_tensors(real).repeat()
    return gtn.fit(data, steps_per_epoch=iterations, verbose=0).history


def weights_of(gtn):
    return [v.numpy() for v in gtn.trainable_variables]


def state_of(gtn):
    """All that a fit changes, but the metrics."""
    gtn.reset_metrics()
    return [v.numpy() for v in [*gtn.variables, *gtn.optimizer.variables]]


def expect_equal(found, expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        np.testing.assert_array_equal(a, b)


def gradients(gtn, iteration):
    _, _, found = tf.function(gtn.meta.mean_gradient)(
        tf.constant(iteration, tf.int64), 1, REAL, gtn.trainable_variables
    )
    return found


@pytest.mark.slow
@pytest.mark.parametrize("unroll, count, every", [*zip(UNROLLS, (1, 2, 1), (0, 2, 1))])
def test_a_window_of_all_steps_is_the_full_unroll(tiny_gtn, unroll, count, every):
    found = []
    for estimator in (
        gtn_tf.FullUnroll(every),
        gtn_tf.PersistentWindow(3, 2, every),
    ):
        settings = {"learners": TWO_NETWORKS, "learners_per_iteration": count}
        gtn = tiny_gtn(estimator=estimator, unroll=unroll, **settings)
        history = fit(gtn, 4)
        found.append([*weights_of(gtn), history["meta_loss"], history["accuracy"]])
    expect_equal(*found)


@pytest.mark.slow
def test_the_windows_of_a_life_are_those_of_a_truncated_unroll(
    tiny_gtn, double_precision
):
    """While the teacher stays as it is, the sum of their gradients is its gradient."""
    settings = {"teacher": full_curriculum(steps=6), "learners": TWO_NETWORKS}
    persistent = tiny_gtn(estimator=gtn_tf.PersistentWindow(2, 1), **settings)
    for born in range(3):  # the first life may be shorter
        gradients(persistent, born)
        if persistent.persistent.ages.numpy() == [0]:
            break
    born += 1
    windows = [gradients(persistent, born + k) for k in range(3)]
    truncated = tiny_gtn(estimator=gtn_tf.TruncatedUnroll(2), **settings)
    for parts, whole in zip(zip(*windows), gradients(truncated, born)):
        np.testing.assert_allclose(sum(parts), whole, rtol=1e-7, atol=1e-12)
    assert persistent.persistent.ages.numpy() == [0]  # this life is over, too


def restored_checkpoint(make, path, gtn):
    tf.train.Checkpoint(gtn=gtn).write(path)
    again = make()
    gtn_tf.optimizers.build(again.optimizer, again.trainable_variables)
    tf.train.Checkpoint(gtn=again).read(path).assert_consumed()
    return again


def restored_file(make, path, gtn):
    del make
    gtn.save(f"{path}.keras")
    return tf.keras.models.load_model(f"{path}.keras")


@pytest.mark.parametrize(
    "estimator, unroll, restored",
    [
        (gtn_tf.PersistentWindow(1, 3), "keep", restored_checkpoint),
        pytest.param(
            gtn_tf.PersistentWindow(1, 3),
            "recompute",
            restored_file,
            marks=pytest.mark.slow,
        ),
        pytest.param(
            gtn_tf.KernelRidge(2, 3),
            "keep",
            restored_checkpoint,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_an_interrupted_fit_goes_on_with_the_same_bits(
    tiny_gtn, tmp_path, estimator, restored, unroll
):
    def make():
        tf.keras.utils.set_random_seed(0)  # of the generator's first weights
        return tiny_gtn(
            teacher=full_curriculum(steps=4),
            learners=TWO_NETWORKS,
            estimator=estimator,
            learners_per_iteration=2,
            unroll=unroll,
            seed=5,
        )

    whole, interrupted = make(), make()
    sizes = {int(tf.size(one.pack(one.trainable))) for one in whole.pool}
    assert len(sizes) == 2  # so that the rows of one network are filled up
    fit(whole, 11)
    fit(interrupted, 7)
    assert np.any(interrupted.persistent.ages)  # in the middle of lives
    again = restored(make, str(tmp_path / "gtn"), interrupted)
    assert again.estimator == interrupted.estimator
    expect_equal(state_of(again), state_of(interrupted))
    fit(again, 4)
    expect_equal(state_of(again), state_of(whole))


def test_ages_are_spread_once_the_first_learners_have_made_way(tiny_gtn):
    gtn = tiny_gtn(
        teacher=full_curriculum(steps=8),
        estimator=gtn_tf.PersistentWindow(window=2, persistent_learners=4),
    )
    learners = gtn.persistent
    seen = []
    for iteration in range(4 * 8):
        seen.append(int(learners.at(tf.constant(iteration, tf.int64))[1]))
        learners.grow_older(tf.constant(iteration, tf.int64), tf.constant(True))
    assert seen[:4] == [0, 0, 0, 0]
    for first in range(4 * 4, 4 * 8, 4):
        assert sorted(seen[first : first + 4]) == [0, 2, 4, 6]


@pytest.mark.parametrize("kind", [gtn_tf.PersistentWindow, gtn_tf.KernelRidge])
def test_diverged_learners_make_way(tiny_gtn, kind):
    """So that one does not cost a meta-iteration for the rest of its life."""
    gtn = tiny_gtn(
        teacher=full_curriculum(steps=8),
        estimator=kind(window=1, persistent_learners=1),
    )
    fit(gtn, 9)
    while not gtn.persistent.ages.numpy():
        fit(gtn, 1)
    gtn.persistent.states.assign(gtn.persistent.states * np.nan)
    fit(gtn, 1)
    assert int(gtn.skipped) == 1 and gtn.persistent.ages.numpy() == [0]
    fit(gtn, 2)
    assert int(gtn.skipped) == 1 and gtn.persistent.ages.numpy() == [2]
    assert np.isfinite(gtn.persistent.states).all()


def test_the_gradient_of_a_given_learner_is_that_of_its_first_window(tiny_gtn):
    settings = {"teacher": full_curriculum(steps=4), "learners": TWO_NETWORKS}
    gtn = tiny_gtn(estimator=gtn_tf.PersistentWindow(2), **settings)
    seed = tf.constant([1, 2])
    weights = gtn.pool.draw(1, seed)[1]
    variables = gtn.trainable_variables
    _, gradients = gtn.meta.gradient(1, weights, REAL, seed, variables)
    by_name = {v.name: g for v, g in zip(variables, gradients)}
    (latents,) = (g for name, g in by_name.items() if "latents" in name)
    np.testing.assert_array_equal(np.abs(latents).max(axis=(1, 2)) > 0, [1, 1, 0, 0])
    assert not np.any(gtn.persistent.states)  # it left no trace


@pytest.mark.parametrize(
    "estimator, message",
    [
        ((3,), "window: expected a divisor of the 4 steps, received 3"),
        ((0,), "window: expected a divisor of the 4 steps, received 0"),
        ((2, 0), "persistent_learners: expected at least 1, received 0"),
        ((2, 1, 2), "intermediate_every: expected 0 or .* below 2, received 2"),
    ],
)
def test_windows_that_do_not_fit_are_refused(estimator, message):
    with pytest.raises(ArgumentError, match=message):
        gtn_tf.PersistentWindow(*estimator).check(steps=4)


@pytest.mark.slow
def test_learners_that_cannot_be_kept_are_refused(tiny_gtn, two_replicas):
    estimator = gtn_tf.PersistentWindow(3)
    with pytest.raises(ArgumentError, match="architectures='all', .* another size"):
        cells = CellLearners("nas_bench_201", 1, 2, architectures="all")
        tiny_gtn(estimator=estimator, learners=cells)
    for each in (estimator, gtn_tf.KernelRidge(3)):
        name = type(each).__name__
        with two_replicas.scope():
            with pytest.raises(ArgumentError, match=f"of 2 replicas, .* own, .*{name}"):
                tiny_gtn(estimator=each)
