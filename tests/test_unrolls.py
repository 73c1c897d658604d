"""Meta-gradients: closed forms, finite differences, and the two unrolls' equality."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf import inner
from gtn_tf.functional import PureModel
from gtn_tf.inner.step import Lessons
from gtn_tf.learners import (
    CellLearners,
    ConvLearners,
    MLPLearners,
    fresh_weights,
)

LEARNERS = {
    "conv": ConvLearners(filters=[3, 2], units=[4]),
    "strided, global pooling": ConvLearners(
        filters=[3], units=[], downsample="stride", global_pooling=True
    ),
    "full batch norm": ConvLearners(filters=[3], units=[], batch_norm="full"),
    "plain": ConvLearners(filters=[3], units=[4], weight_norm=False, batch_norm="none"),
    "mlp": MLPLearners(units=[4]),
    # Its cell has both convolutions, an average pool, a skip connection and a "none".
    "cells": CellLearners("nas_bench_201", cells=1, filters=2, seed=0),
}
cross_entropy = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def squared_error(labels, outputs):
    return 0.5 * tf.reduce_mean((outputs[:, 0] - tf.cast(labels, outputs.dtype)) ** 2)


def lessons(steps, batch=5, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    return Lessons(
        tf.constant(rng.normal(size=[steps, batch, 5, 5, 2]).astype(dtype)),
        tf.constant(rng.integers(0, 3, size=[steps, batch])),
        tf.constant(rng.uniform(0.1, 0.3, size=[steps]).astype(dtype)),
        tf.constant(rng.uniform(0.3, 0.9, size=[steps]).astype(dtype)),
    )


def real(dtype=np.float32):
    rng = np.random.default_rng(7)
    images = tf.constant(rng.normal(size=[6, 5, 5, 2]).astype(dtype))
    return images, tf.constant(rng.integers(0, 3, size=[6]))


def meta_gradient(name, learner, loss, every):
    """A function to the objective and its gradient by images, rates, momenta and
    first weights."""

    @tf.function
    def run(weights, taught, judged_by):
        unroll = inner.UNROLLS[name]
        inputs = [taught.images, taught.learning_rates, taught.momenta, weights]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            first = inner.start(learner, weights)
            state, total = unroll(learner, loss, first, taught, judged_by, every)
            images, labels = judged_by
            objective = loss(labels, inner.judge(learner, state, images)) + total
        return objective, tape.gradient(objective, inputs)

    return run


def learner_of(distribution):
    learner = PureModel(distribution.build((5, 5, 2), 3)[0])
    return learner, fresh_weights(learner.model, tf.constant([1, 2]))


@pytest.mark.parametrize("name", inner.UNROLLS)
def test_closed_form_of_gradient_descent_on_a_parabola(name):
    """w' = w - r (w - y) for images of 1, so that w_T - y = (1 - r)^T (w_0 - y)."""
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Flatten(input_shape=[1, 1, 1]),
            tf.keras.layers.Dense(1, use_bias=False),
        ]
    )
    steps, rate, w, y, target = 4, 0.3, 2.0, 1, 3
    taught = Lessons(
        tf.ones([steps, 1, 1, 1, 1]),
        tf.fill([steps, 1], y),
        tf.fill([steps], rate),
        tf.zeros([steps]),
    )
    judged_by = tf.ones([1, 1, 1, 1]), tf.constant([target])
    objective, (_, of_rates, of_momenta, of_weights) = meta_gradient(
        name, PureModel(model), squared_error, every=0
    )([tf.constant([[w]])], taught, judged_by)
    last = y + (1 - rate) ** steps * (w - y)
    slope = last - target
    assert float(objective) == pytest.approx(0.5 * slope**2, rel=1e-5)
    expected = -slope * (w - y) * (1 - rate) ** (steps - 1)
    np.testing.assert_allclose(of_rates, [expected] * steps, rtol=1e-5)
    np.testing.assert_allclose(of_weights[0], [[slope * 0.7**4]], rtol=1e-5)
    # A momentum at step t adds (1 - r)^(T-1-t) r v_t to what is subtracted.
    velocity = [(w - y) * (1 - rate) ** (t - 1) if t else 0 for t in range(steps)]
    expected = [
        -slope * (1 - rate) ** (steps - 1 - t) * rate * v
        for t, v in enumerate(velocity)
    ]
    np.testing.assert_allclose(of_momenta, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind, every", [("conv", 0), ("conv", 1), ("mlp", 2)])
def test_finite_differences(double_precision, kind, every):
    learner, weights = learner_of(LEARNERS[kind])
    weights = [tf.cast(w, tf.float64) for w in weights]
    taught, judged_by = lessons(3, dtype=np.float64), real(np.float64)

    run = meta_gradient("recompute", learner, cross_entropy, every)

    def objective(images, rates, momenta):
        return run(weights, Lessons(images, taught.labels, rates, momenta), judged_by)

    inputs = [taught.images, taught.learning_rates, taught.momenta]
    _, gradients = objective(*inputs)
    rng = np.random.default_rng(4)
    for index, gradient in enumerate(gradients[:3]):
        direction = tf.constant(rng.normal(size=inputs[index].shape))
        values = []
        for sign in (1, -1):
            moved = list(inputs)
            moved[index] = inputs[index] + sign * 1e-6 * direction
            values.append(float(objective(*moved)[0]))
        slope = (values[0] - values[1]) / 2e-6
        assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(
            slope, rel=1e-4, abs=1e-7
        )


@pytest.mark.parametrize("kind, every", [("conv", 0), *((k, 2) for k in LEARNERS)])
def test_all_unrolls_are_equal(double_precision, kind, every):
    learner, weights = learner_of(LEARNERS[kind])
    weights = [tf.cast(w, tf.float64) for w in weights]
    tensors = weights, lessons(4, dtype=np.float64), real(np.float64)
    setting = learner, cross_entropy, every
    expected, expected_gradients = meta_gradient("nested_tapes", *setting)(*tensors)
    for name in ("keep", "recompute"):
        found, gradients = meta_gradient(name, *setting)(*tensors)
        assert float(found) == pytest.approx(float(expected), rel=1e-10)
        pairs = zip(tf.nest.flatten(gradients), tf.nest.flatten(expected_gradients))
        for a, b in pairs:
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-12)


def test_training_alone_ends_in_the_same_state():
    learner, weights = learner_of(LEARNERS["conv"])
    taught = lessons(4)
    first = inner.start(learner, weights)
    state = tf.function(inner.train)(learner, cross_entropy, first, taught)
    expected, _ = inner.UNROLLS["nested_tapes"](
        learner, cross_entropy, first, taught, real(), 0
    )
    for a, b in zip(tf.nest.flatten(state), tf.nest.flatten(expected)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_meta_loss_flows_through_the_statistics_of_the_last_batch():
    """With a last rate of 0, the last batch acts through its means alone."""
    learner, weights = learner_of(LEARNERS["conv"])
    taught = lessons(2)._replace(learning_rates=tf.constant([0.1, 0.0]))
    run = meta_gradient("recompute", learner, cross_entropy, every=0)
    _, (of_images, *_) = run(weights, taught, real())
    assert np.abs(of_images[1]).max() > 1e-4


def stored_numbers(name, steps):
    """Numbers in all tensors that the way back takes over from the way through."""
    learner, weights = learner_of(LEARNERS["conv"])
    crossing = {}

    @tf.function
    def run(taught):
        with tf.GradientTape() as tape:
            tape.watch(taught.images)
            first = inner.start(learner, weights)
            last, _ = inner.UNROLLS[name](
                learner, cross_entropy, first, taught, real(), 0
            )
            objective = tf.reduce_sum(last.weights)
        graph = tf.compat.v1.get_default_graph()
        through = set(graph.get_operations())
        gradient = tape.gradient(objective, taught.images)
        for operation in set(graph.get_operations()) - through:
            for tensor in operation.inputs:
                if tensor.op in through:
                    crossing[tensor.ref()] = tensor
        return gradient

    run.get_concrete_function(lessons(steps))
    return sum(map(numbers_of, crossing.values()))


def numbers_of(tensor):
    if tensor.dtype != tf.variant:
        return tensor.shape.num_elements()
    # A TensorArray that a loop has filled, as it was reserved before the loop.
    reserved = tensor.op.inputs[tensor.value_index].op
    shape, length = map(tf.get_static_value, reserved.inputs)
    return int(np.prod(shape) * length)


def test_recompute_stores_nothing_but_the_learners_state_and_the_lessons():
    learner, weights = learner_of(LEARNERS["conv"])
    size = sum(int(np.prod(w.shape)) for w in weights)
    state = 2 * size + sum(int(np.prod(v.shape)) for v in learner.running)
    lesson = sum(int(np.prod(one.shape[1:])) for one in lessons(1))

    def growth(name):
        return (stored_numbers(name, 7) - stored_numbers(name, 3)) / 4

    assert growth("recompute") <= state + lesson
    assert growth("keep") > 2 * (state + lesson)  # activations would be noticed


def test_auto_picks_by_memory_and_says_why(caplog):
    learner, _ = learner_of(LEARNERS["conv"])
    caplog.set_level(logging.INFO)
    assert inner.choose_unroll("auto", [learner], 32, 64)[0] == "keep"
    assert "keep, since the activations of 32 steps take about 0.0" in caplog.text
    assert inner.choose_unroll("auto", [learner], 32, 640_000)[0] == "recompute"
    assert inner.choose_unroll("auto", [learner], 32, 64, True)[0] == "recompute"
    assert inner.choose_unroll("keep", [learner], 32, 640_000)[0] == "keep"


def test_unrolls_that_cannot_be_are_refused():
    learner, _ = learner_of(LEARNERS["conv"])
    with pytest.raises(ValueError, match="expected one of auto, nested_tapes"):
        inner.choose_unroll("fast", [learner], 32, 64)
    with pytest.raises(ValueError, match="recompute when the number of inner steps"):
        inner.choose_unroll("keep", [learner], 32, 64, lengthens=True)


def whole(name, taught, **kwargs):
    learner, weights = learner_of(LEARNERS["conv"])
    weights = [tf.cast(w, tf.float64) for w in weights]
    run = tf.function(inner.meta_gradient)
    first = inner.start(learner, weights)
    unroll = inner.UNROLLS[name]
    return (
        learner,
        first,
        run(unroll, learner, cross_entropy, first, taught, real(np.float64), **kwargs),
    )


@pytest.mark.parametrize("name", ["keep", "recompute"])
def test_a_truncated_unroll_is_a_sequence_of_shorter_ones(double_precision, name):
    taught = lessons(6, dtype=np.float64)
    learner, state, found = whole(name, taught, intermediate_every=2, truncate_every=3)
    for start in (0, 3):
        part = Lessons(*(one[start : start + 3] for one in taught))
        expected = tf.function(inner.meta_gradient)(
            inner.UNROLLS["nested_tapes"],
            *(learner, cross_entropy, state, part, real(np.float64), 2),
        )
        for a, b in zip(found[2:], expected[2:]):
            np.testing.assert_allclose(a[start : start + 3], b, rtol=1e-7, atol=1e-12)
        state = inner.train(learner, cross_entropy, state, part)
    np.testing.assert_allclose(found.meta_loss, expected.meta_loss, rtol=1e-10)
    np.testing.assert_allclose(found.logits, expected.logits, rtol=1e-8)


def test_fewer_steps_than_the_graph_was_traced_for(double_precision):
    taught = lessons(4, dtype=np.float64)
    _, _, expected = whole(
        "recompute", Lessons(*(one[:3] for one in taught)), intermediate_every=2
    )
    learner, weights = learner_of(LEARNERS["conv"])
    first = inner.start(learner, [tf.cast(w, tf.float64) for w in weights])

    @tf.function
    def run(steps):
        return inner.meta_gradient(
            inner.UNROLLS["recompute"],
            *(learner, cross_entropy, first),
            Lessons(*(one[:steps] for one in taught)),
            real(np.float64),
            intermediate_every=2,
        )

    for a, b in zip(run(tf.constant(3)), expected):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-12)


def test_rates_are_positive_and_of_every_kind():
    for kind, learned in (("per_step", [4, 4]), ("shared", [1, 1]), ("fixed", [])):
        sgd = inner.LearnedSGD(0.25, 0.5, steps=4, rates=kind)
        rates, momenta = sgd.rates()
        np.testing.assert_allclose(rates, [0.25] * 4, rtol=1e-6)
        np.testing.assert_allclose(momenta, [0.5] * 4, rtol=1e-6)
        assert [v.shape[0] for v in sgd.trainable_variables] == learned
        for variable in sgd.variables:
            variable.assign(variable - 50)
        assert min(sgd.rates()[0].numpy()) > 0
    rates, momenta = inner.LearnedSGD(0.25, 0, steps=2, rates="fixed").rates()
    assert momenta.numpy().tolist() == [0, 0]


@pytest.mark.parametrize(
    "arguments", [{"learning_rate": 0}, {"momentum": 0}, {"rates": "per_layer"}]
)
def test_rates_that_cannot_be_learned_are_refused(arguments):
    with pytest.raises(ValueError, match="expected"):
        inner.LearnedSGD(**arguments)
