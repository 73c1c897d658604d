"""The clip of meta-gradients relative to those before them."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import real_batches
from gtn_tf.errors import ArgumentError
from gtn_tf.relative_clip import RelativeClip

REAL = next(iter(real_batches()))


def fit(gtn, iterations, real=REAL):
    data = tf.data.Dataset.from_tensors(real).repeat()
    gtn.fit(data, steps_per_epoch=iterations, verbose=0)


def test_norms_are_at_most_a_multiple_of_their_average():
    clip = RelativeClip(2.0)
    run = tf.function(clip.clip)
    rng = np.random.default_rng(0)
    average = None
    for length in (1.0, 1.5, 30.0, 30.0, 0.1, 3.0):
        parts = [rng.normal(size=[3]), rng.normal(size=[2, 2])]
        norm = np.sqrt(sum((part**2).sum() for part in parts))
        parts = [np.float32(part * length / norm) for part in parts]
        most = length if average is None else min(length, 2 * average)
        for found, part in zip(run(list(map(tf.constant, parts))), parts):
            np.testing.assert_allclose(found, part * most / length, rtol=1e-5)
            if most == length:
                np.testing.assert_array_equal(found, part)
        average = most if average is None else 0.9 * average + 0.1 * most
        assert float(clip.average) == pytest.approx(average, rel=1e-5)


@pytest.mark.parametrize("factor", [0.5, -1.0, np.inf, np.nan])
def test_factors_under_which_the_average_falls_are_refused(factor):
    with pytest.raises(ArgumentError, match="relative_clip: expected 0 or a number of"):
        RelativeClip(factor)


def test_the_optimizer_takes_the_clipped_gradient(tiny_gtn):
    """After the same first step, plain SGD goes only as far as the average says."""
    steps = []
    for relative_clip in (0.0, 1.0):
        gtn = tiny_gtn(
            optimizer=tf.keras.optimizers.SGD(0.1),
            relative_clip=relative_clip,
            estimator=gtn_tf.RandomWindow(1),
        )
        moved = []
        for _ in range(4):
            before = np.concatenate([v.numpy().ravel() for v in gtn.trainable_weights])
            fit(gtn, 1)
            after = np.concatenate([v.numpy().ravel() for v in gtn.trainable_weights])
            moved.append(np.linalg.norm(after - before))
        steps.append(moved)
    free, clipped = steps
    assert free[0] == clipped[0]
    assert max(free) > 1.01 * free[0]
    assert max(clipped) <= 1.001 * clipped[0]


@pytest.mark.slow
def test_skipped_meta_iterations_leave_the_average(tiny_gtn):
    gtn = tiny_gtn(relative_clip=2.0)
    fit(gtn, 2)
    before = float(gtn.clip.average)
    fit(gtn, 1, (REAL[0] * np.nan, REAL[1]))
    assert int(gtn.skipped) == 1 and before == float(gtn.clip.average) > 0


def state_of(gtn):
    gtn.reset_metrics()
    return [v.numpy() for v in [*gtn.variables, *gtn.optimizer.variables]]


@pytest.mark.slow
def test_an_interrupted_fit_goes_on_with_the_same_bits(tiny_gtn, tmp_path):
    settings = {"relative_clip": 1.0, "estimator": gtn_tf.RandomWindow(2)}
    whole, interrupted = tiny_gtn(**settings), tiny_gtn(**settings)
    fit(whole, 7)
    fit(interrupted, 4)
    tf.train.Checkpoint(gtn=interrupted).write(tmp_path / "checkpoint")
    read = tiny_gtn(**settings)
    gtn_tf.optimizers.build(read.optimizer, read.trainable_variables)
    tf.train.Checkpoint(gtn=read).read(tmp_path / "checkpoint").assert_consumed()
    interrupted.save(tmp_path / "gtn.keras")
    loaded = tf.keras.models.load_model(tmp_path / "gtn.keras")
    expected = state_of(whole)
    for again in (read, loaded):
        fit(again, 3)
        found = state_of(again)
        assert len(found) == len(expected)
        for a, b in zip(found, expected):
            np.testing.assert_array_equal(a, b)
