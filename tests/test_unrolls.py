"""Meta-gradients: closed forms, finite differences, and the two unrolls' equality."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf import inner
from gtn_tf.functional import PureModel
from gtn_tf.inner.step import Lessons
from gtn_tf.learners import ConvLearners, MLPLearners, fresh_weights

LEARNERS = {
    "conv": ConvLearners(filters=[3, 2], units=[4]),
    "strided, global pooling": ConvLearners(
        filters=[3], units=[], downsample="stride", global_pooling=True
    ),
    "full batch norm": ConvLearners(filters=[3], units=[], batch_norm="full"),
    "plain": ConvLearners(
        filters=[3], units=[4], weight_norm=False, batch_norm="none"
    ),
    "mlp": MLPLearners(units=[4]),
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
        _, unroll = inner.choose_unroll(name, taught.images.shape[0])
        inputs = [taught.images, taught.learning_rates, taught.momenta, weights]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            first = inner.start(learner, weights)
            state, total = unroll(learner, loss, first, taught, judged_by, every)
            images, labels = judged_by
            logits, _ = learner(state.weights, state.statistics, images, False)
            objective = loss(labels, logits) + total
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
def test_recompute_equals_nested_tapes(kind, every):
    learner, weights = learner_of(LEARNERS[kind])
    tensors = weights, lessons(4), real()
    setting = learner, cross_entropy, every
    expected, expected_gradients = meta_gradient("nested_tapes", *setting)(*tensors)
    found, gradients = meta_gradient("recompute", *setting)(*tensors)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
    for a, b in zip(tf.nest.flatten(gradients), tf.nest.flatten(expected_gradients)):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_training_alone_ends_in_the_same_state():
    learner, weights = learner_of(LEARNERS["conv"])
    taught = lessons(4)
    first = inner.start(learner, weights)
    state = tf.function(inner.train)(learner, cross_entropy, first, taught)
    _, unroll = inner.choose_unroll("nested_tapes", 4)
    expected, _ = unroll(learner, cross_entropy, first, taught, real(), 0)
    for a, b in zip(tf.nest.flatten(state), tf.nest.flatten(expected)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_meta_loss_flows_through_the_statistics_of_the_last_batch():
    """With a last rate of 0, the last batch acts through its means alone."""
    learner, weights = learner_of(LEARNERS["conv"])
    taught = lessons(2)._replace(learning_rates=tf.constant([0.1, 0.0]))
    run = meta_gradient("recompute", learner, cross_entropy, every=0)
    _, (of_images, *_) = run(weights, taught, real())
    assert np.abs(of_images[1]).max() > 1e-4


def test_activations_of_recompute_do_not_add_up(tmp_path):
    """Eight times the steps add memory for weights and momentum only."""
    script = tmp_path / "peak.py"
    script.write_text(_PEAK)
    peaks = [
        int(subprocess.check_output([sys.executable, script, str(steps)]))
        for steps in (4, 32)
    ]
    # 28 more steps of 2 x 38 kB; the activations of one step are above 12 MB.
    assert peaks[1] - peaks[0] < 28 * 2e6


_PEAK = """
import resource, sys
import tensorflow as tf
from gtn_tf import inner
from gtn_tf.functional import PureModel
from gtn_tf.inner.step import Lessons
from gtn_tf.learners import ConvLearners, fresh_weights

steps = int(sys.argv[1])
loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
learner = PureModel(ConvLearners([16], [], global_pooling=True).build((28, 28, 1), 10)[0])
_, unroll = inner.choose_unroll("recompute", steps)

@tf.function
def run(images):
    labels = tf.zeros([steps, 128], tf.int32)
    taught = Lessons(images, labels, tf.fill([steps], 0.1), tf.fill([steps], 0.5))
    real = images[0], labels[0]
    with tf.GradientTape() as tape:
        tape.watch(images)
        state = inner.start(learner, fresh_weights(learner.model, tf.constant([0, 0])))
        state, _ = unroll(learner, loss, state, taught, real, 0)
        logits, _ = learner(state.weights, state.statistics, images[0], False)
        value = loss(labels[0], logits)
    return tape.gradient(value, images)

run(tf.random.stateless_normal([steps, 128, 28, 28, 1], [0, 0]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_auto_picks_and_unknown_names_are_refused():
    assert inner.choose_unroll("auto", 32)[0] == "recompute"
    assert inner.choose_unroll("auto", 1)[0] == "nested_tapes"
    with pytest.raises(ValueError, match="expected one of auto, nested_tapes"):
        inner.choose_unroll("fast", 32)


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
