"""Meta-gradients: closed forms, finite differences, and the unrolls' equality."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf import inner
from gtn_tf.functional import PureModel
from gtn_tf.inner import (
    InnerInputs,
    InnerLoop,
    LearnedAdam,
    LearnedLAMB,
    LearnedRMSProp,
    LearnedSGD,
)
from gtn_tf.learners import (
    CellLearners,
    ConvLearners,
    MLPLearners,
    ResNetLearners,
    fresh_weights,
)
from gtn_tf.names import UNROLLS

LEARNERS = {
    "conv": ConvLearners(filters=[3, 2], units=[4]),
    "strided, global pooling": ConvLearners(
        filters=[3], units=[], downsample="stride", global_pooling=True
    ),
    "full batch norm": ConvLearners(
        filters=[3], units=[], batch_norm="full", norm_momentum=0.5
    ),
    "plain": ConvLearners(filters=[3], units=[4], weight_norm=False, batch_norm="none"),
    "mlp": MLPLearners(units=[4]),
    "resnet": ResNetLearners(filters=[2, 3], batch_norm="full"),
    # Its cell has both convolutions, an average pool, a skip connection and a "none".
    "cells": CellLearners("nas_bench_201", cells=1, filters=2, seed=0),
}
cross_entropy = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def squared_error(labels, outputs):
    return 0.5 * tf.reduce_mean((outputs[:, 0] - tf.cast(labels, outputs.dtype)) ** 2)


def inner_inputs(steps, batch=5, dtype=np.float32, seed=0, optimizer=LearnedSGD):
    rng = np.random.default_rng(seed)
    ranges = {"learning_rates": (0.1, 0.3)}
    return InnerInputs(
        tf.constant(rng.normal(size=[steps, batch, 5, 5, 2]).astype(dtype)),
        tf.constant(rng.integers(0, 3, size=[steps, batch])),
        {
            name: tf.constant(rng.uniform(*ranges.get(name, (0.3, 0.9)), steps), dtype)
            for name in sorted(optimizer.values)
        },
    )


def real(dtype=np.float32):
    rng = np.random.default_rng(7)
    images = tf.constant(rng.normal(size=[6, 5, 5, 2]).astype(dtype))
    return images, tf.constant(rng.integers(0, 3, size=[6]))


def meta_gradient(name, loop, every):
    """A function to the objective and its gradient with respect to the images, the
    hyperparameters and the first weights."""

    @tf.function
    def run(weights, inputs, real):
        sources = [inputs.images, inputs.hyperparameters, weights]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            first = inner.init_state(loop, weights)
            state, total = UNROLLS.load(name)(loop, first, inputs, real, every)
            objective = inner.meta_loss(loop, state, real)[0] + total
        return objective, tape.gradient(objective, sources)

    return run


def learner_of(distribution, optimizer=LearnedSGD):
    """An inner loop of its first network, and fresh weights."""
    learner = PureModel(distribution.build((5, 5, 2), 3)[0])
    weights = fresh_weights(learner.model, tf.constant([1, 2]))
    return InnerLoop(learner, cross_entropy, optimizer()), weights


@pytest.mark.parametrize("name", UNROLLS)
def test_closed_form_of_gradient_descent_on_a_parabola(name):
    """w' = w - r (w - y) for images of 1, so that w_T - y = (1 - r)^T (w_0 - y)."""
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Flatten(input_shape=[1, 1, 1]),
            tf.keras.layers.Dense(1, use_bias=False),
        ]
    )
    steps, rate, w, y, target = 4, 0.3, 2.0, 1, 3
    inputs = InnerInputs(
        tf.ones([steps, 1, 1, 1, 1]),
        tf.fill([steps, 1], y),
        {"learning_rates": tf.fill([steps], rate), "momenta": tf.zeros([steps])},
    )
    real = tf.ones([1, 1, 1, 1]), tf.constant([target])
    loop = InnerLoop(PureModel(model), squared_error, LearnedSGD())
    objective, (_, found, grad_weights) = meta_gradient(name, loop, every=0)(
        [tf.constant([[w]])], inputs, real
    )
    last = y + (1 - rate) ** steps * (w - y)
    slope = last - target
    assert float(objective) == pytest.approx(0.5 * slope**2, rel=1e-5)
    expected = -slope * (w - y) * (1 - rate) ** (steps - 1)
    np.testing.assert_allclose(found["learning_rates"], [expected] * steps, rtol=1e-5)
    np.testing.assert_allclose(grad_weights[0], [[slope * 0.7**4]], rtol=1e-5)
    # A momentum at step t adds (1 - r)^(T-1-t) r v_t to what is subtracted.
    velocity = [(w - y) * (1 - rate) ** (t - 1) if t else 0 for t in range(steps)]
    expected = [
        -slope * (1 - rate) ** (steps - 1 - t) * rate * v
        for t, v in enumerate(velocity)
    ]
    np.testing.assert_allclose(found["momenta"], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "kind, every, optimizer",
    [
        ("conv", 0, LearnedSGD),
        ("conv", 1, LearnedSGD),
        ("mlp", 2, LearnedSGD),
        pytest.param("resnet", 0, LearnedSGD, marks=pytest.mark.slow),
        ("mlp", 2, LearnedAdam),
        ("mlp", 2, LearnedLAMB),
        ("mlp", 2, LearnedRMSProp),
    ],
)
def test_finite_differences(double_precision, kind, every, optimizer):
    loop, weights = learner_of(LEARNERS[kind], optimizer)
    inputs = inner_inputs(3, dtype=np.float64, optimizer=optimizer)
    judged_by = real(np.float64)
    run = meta_gradient("recompute", loop, every)

    def objective(images, *hyperparameters):
        values = dict(zip(inputs.hyperparameters, hyperparameters))
        return run(weights, InnerInputs(images, inputs.labels, values), judged_by)

    sources = [inputs.images, *inputs.hyperparameters.values()]
    _, gradients = objective(*sources)
    rng = np.random.default_rng(4)
    for index, gradient in enumerate(tf.nest.flatten(gradients[:2])):
        direction = tf.constant(rng.normal(size=sources[index].shape))
        values = []
        for sign in (1, -1):
            moved = list(sources)
            moved[index] = sources[index] + sign * 1e-6 * direction
            values.append(float(objective(*moved)[0]))
        slope = (values[0] - values[1]) / 2e-6
        assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(
            slope, rel=1e-4, abs=1e-7
        )


@pytest.mark.parametrize(
    "kind, every, optimizer",
    [
        pytest.param("conv", 0, LearnedSGD, marks=pytest.mark.slow),
        *((kind, 2, LearnedSGD) for kind in ("conv", "mlp")),
        *(
            pytest.param(kind, 2, LearnedSGD, marks=pytest.mark.slow)
            for kind in sorted({*LEARNERS} - {"conv", "mlp"})
        ),
        pytest.param("conv", 2, LearnedAdam, marks=pytest.mark.slow),
        pytest.param("conv", 2, LearnedLAMB, marks=pytest.mark.slow),
        pytest.param("conv", 2, LearnedRMSProp, marks=pytest.mark.slow),
    ],
)
def test_all_unrolls_are_equal(double_precision, kind, every, optimizer):
    loop, weights = learner_of(LEARNERS[kind], optimizer)
    inputs = inner_inputs(3, dtype=np.float64, optimizer=optimizer)
    tensors = weights, inputs, real(np.float64)
    # Once, and so without a graph: that would take longer than what it computes.
    reference = meta_gradient("nested_tapes", loop, every).python_function
    expected, expected_gradients = reference(*tensors)
    for name in ("keep", "recompute"):
        found, gradients = meta_gradient(name, loop, every)(*tensors)
        assert float(found) == pytest.approx(float(expected), rel=1e-10)
        pairs = zip(tf.nest.flatten(gradients), tf.nest.flatten(expected_gradients))
        for a, b in pairs:
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-12)


def test_training_alone_ends_in_the_same_state():
    loop, weights = learner_of(LEARNERS["conv"])
    inputs, first = inner_inputs(4), inner.init_state(loop, weights)
    state = tf.function(inner.train)(loop, first, inputs)
    expected, _ = UNROLLS.load("nested_tapes")(loop, first, inputs, real(), 0)
    for a, b in zip(tf.nest.flatten(state), tf.nest.flatten(expected)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_meta_loss_flows_through_the_statistics_of_the_last_batch():
    """With a last rate of 0, the last batch acts through its means alone."""
    loop, weights = learner_of(LEARNERS["conv"])
    inputs = inner_inputs(2)
    inputs.hyperparameters["learning_rates"] = tf.constant([0.1, 0.0])
    run = meta_gradient("recompute", loop, every=0)
    _, (grad_images, *_) = run(weights, inputs, real())
    assert np.abs(grad_images[1]).max() > 1e-4


def stored_numbers(name, steps):
    """Numbers in all tensors that the backward pass takes from the forward pass."""
    loop, weights = learner_of(LEARNERS["conv"])
    crossing = {}

    @tf.function
    def run(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs.images)
            first = inner.init_state(loop, weights)
            last, _ = UNROLLS.load(name)(loop, first, inputs, real(), 0)
            objective = tf.reduce_sum(last.weights)
        graph = tf.compat.v1.get_default_graph()
        forward = set(graph.get_operations())
        gradient = tape.gradient(objective, inputs.images)
        for operation in set(graph.get_operations()) - forward:
            for tensor in operation.inputs:
                if tensor.op in forward:
                    crossing[tensor.ref()] = tensor
        return gradient

    run.get_concrete_function(inner_inputs(steps))
    return sum(map(numbers_of, crossing.values()))


def numbers_of(tensor):
    if tensor.dtype != tf.variant:
        return tensor.shape.num_elements()
    # A TensorArray that a loop has filled, as it was reserved before the loop.
    reserved = tensor.op.inputs[tensor.value_index].op
    shape, length = map(tf.get_static_value, reserved.inputs)
    return int(np.prod(shape) * length)


def test_recompute_stores_nothing_but_the_learners_state_and_the_inputs():
    loop, weights = learner_of(LEARNERS["conv"])
    size = sum(int(np.prod(w.shape)) for w in weights)
    state = 2 * size + sum(int(np.prod(v.shape)) for v in loop.learner.running)
    given = sum(int(np.prod(x.shape[1:])) for x in tf.nest.flatten(inner_inputs(1)))

    def growth(name):
        return (stored_numbers(name, 7) - stored_numbers(name, 3)) / 4

    assert growth("recompute") <= state + given
    assert growth("keep") > 2 * (state + given)  # activations would be noticed


def test_auto_picks_by_memory_and_says_why(caplog):
    learner = learner_of(LEARNERS["conv"])[0].learner
    caplog.set_level(logging.INFO)
    assert inner.choose_unroll("auto", [learner], 32, 64)[0] == "keep"
    assert "keep, since the activations of 32 steps take about 0.0" in caplog.text
    assert inner.choose_unroll("auto", [learner], 32, 640_000)[0] == "recompute"
    assert inner.choose_unroll("auto", [learner], 32, 64, True)[0] == "recompute"
    assert inner.choose_unroll("keep", [learner], 32, 640_000)[0] == "keep"
    with pytest.raises(ValueError, match="expected one of auto, nested_tapes"):
        inner.choose_unroll("fast", [learner], 32, 64)


def estimate(estimator, name, loop, state, inputs):
    reference = name == "nested_tapes"  # see test_all_unrolls_are_equal
    run = estimator.estimate if reference else tf.function(estimator.estimate)
    return run(UNROLLS.load(name), loop, state, inputs, real(np.float64))


@pytest.mark.parametrize("name", ["keep", "recompute"])
def test_a_truncated_unroll_is_a_sequence_of_shorter_ones(double_precision, name):
    loop, weights = learner_of(LEARNERS["conv"])
    inputs, state = inner_inputs(6, dtype=np.float64), inner.init_state(loop, weights)
    truncated = inner.TruncatedUnroll(window=3, intermediate_every=2)
    full = inner.FullUnroll(intermediate_every=2)
    found = estimate(truncated, name, loop, state, inputs)
    for start in (0, 3):
        window = slice(start, start + 3)
        part = inputs.at(window)
        expected = estimate(full, "nested_tapes", loop, state, part)
        pairs = zip(tf.nest.flatten(found[2:]), tf.nest.flatten(expected[2:]))
        for a, b in pairs:
            np.testing.assert_allclose(a[window], b, rtol=1e-7, atol=1e-12)
        state = inner.train(loop, state, part)
    np.testing.assert_allclose(found.meta_loss, expected.meta_loss, rtol=1e-10)
    np.testing.assert_allclose(found.logits, expected.logits, rtol=1e-8)


def test_fewer_steps_than_the_graph_was_traced_for(double_precision):
    loop, weights = learner_of(LEARNERS["conv"])
    inputs, first = inner_inputs(4, dtype=np.float64), inner.init_state(loop, weights)
    full = inner.FullUnroll(intermediate_every=2)
    expected = estimate(full, "nested_tapes", loop, first, inputs.at(slice(3)))

    @tf.function
    def run(steps):
        unroll, given = UNROLLS.load("recompute"), inputs.at(slice(steps))
        return full.estimate(unroll, loop, first, given, real(np.float64))

    pairs = zip(tf.nest.flatten(run(tf.constant(3))), tf.nest.flatten(expected))
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(
    "estimator, message",
    [
        (inner.FullUnroll(4), "intermediate_every: expected 0 or .* below 4, received"),
        (inner.TruncatedUnroll(3), "window: expected a divisor of the 4 steps, rec"),
        (inner.TruncatedUnroll(0), "window: expected a divisor of the 4 steps, rec"),
        (inner.TruncatedUnroll(2, 4), "intermediate_every: expected 0 or a number"),
        (inner.LengtheningUnroll(0), "initial_steps: expected .* 1 to 4, received 0"),
        (inner.LengtheningUnroll(5), "initial_steps: expected .* 1 to 4, received 5"),
        (inner.LengtheningUnroll(2, 0), "lengthen_every: expected at least 1, rec"),
    ],
)
def test_estimators_that_do_not_fit_are_refused(estimator, message):
    with pytest.raises(ValueError, match=message):
        estimator.check(steps=4)


def test_an_inner_loop_that_grows_is_recomputed():
    inner.LengtheningUnroll(2).check(4, "recompute")
    with pytest.raises(ValueError, match="recompute when the number of inner steps"):
        inner.LengtheningUnroll(2).check(4, "keep")
