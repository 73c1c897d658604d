"""The mixed network of nao, its single paths, and the searches on them, in float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.cells import Genotype
from gtn_tf.differentiable import (
    AlphaAdam,
    Alphas,
    Darts,
    GatedPath,
    Gdas,
    MixedNetwork,
    finite_difference,
    first_order,
    second_order,
)
from gtn_tf.differentiable.gdas import straight_through
from gtn_tf.inner import graph_rewrites_off
from gtn_tf.precision import precision
from gtn_tf.supernet import SGD, SharedWeights, SuperNetwork
from gtn_tf.supernet.coding import choices
from gtn_tf.supernet.nao import _looseness

SHAPE, CLASSES, FILTERS = (4, 4, 2), 3, 2
OPS = "identity", "conv_1x1"
RNG = np.random.default_rng(0)
BATCHES = [
    (tf.constant(RNG.normal(size=[8, *SHAPE])), tf.constant(RNG.integers(0, 3, [8])))
    for _ in range(2)
]
SETTINGS = SGD(steps=10, learning_rate=0.05, weight_decay=0.01)
MOST = 6  # inputs of the last node


@pytest.fixture(autouse=True, scope="module")
def double_precision_and_plain_graphs():
    with precision("float64"), graph_rewrites_off():
        yield


def make_shared(cells, kind="training"):
    network = SuperNetwork("nao", SHAPE, CLASSES, cells, FILTERS, kind, OPS)
    return SharedWeights(network)


@pytest.fixture(scope="module")
def shared(double_precision_and_plain_graphs):
    return make_shared(cells=1)


@pytest.fixture(scope="module")
def small(double_precision_and_plain_graphs):
    """Of two reduction cells, which take less time to trace."""
    return make_shared(cells=0)


def some_weights(shared):
    """Random ones, also where initializers give ones and zeros."""
    noise = np.random.default_rng(1).normal(scale=0.1, size=[shared.size - 1])
    fresh = shared.fresh(tf.constant([0, 1]))
    return fresh + tf.constant([*noise, 0.0], fresh.dtype)


def calibrated(network):
    """Architectures whose cells' inputs all are calibrated by convolutions."""
    for seed in itertools.count():
        code = network.draw(tf.constant([0, seed]))
        genotype = network.decode(code.numpy().tolist())
        if len(genotype.normal.ends) > 2 and len(genotype.reduction.ends) > 1:
            yield code


def hard(code):
    return tf.one_hot(code, MOST, dtype=tf.float64)


def test_one_value_of_each_choice_is_the_super_network(shared) -> None:
    network, images = shared.network, BATCHES[0][0]
    weights = some_weights(shared)
    run = tf.function(network.__call__, autograph=False)
    mixed = tf.function(MixedNetwork(shared).__call__, autograph=False)
    for code in itertools.islice(calibrated(network), 5):
        own, before = shared.of(weights, code), network.fresh_statistics(code)
        expected, _ = run(own, before, images, code, training=True)
        np.testing.assert_allclose(
            mixed(weights, hard(code), images), expected, atol=1e-10
        )
        assert np.ptp(expected) > 0.1
    assert mixed.experimental_get_tracing_count() == 1


def test_a_state_is_loose_as_often_as_no_branch_draws_it() -> None:
    uniform = [tf.fill([2 + node], 1 / (2 + node)) for node in range(5) for _ in "ab"]
    of_inputs = (1 / 2 * 2 / 3 * 3 / 4 * 4 / 5 * 5 / 6) ** 2
    of_nodes = [((first - 1) / 6) ** 2 for first in range(3, 8)]
    expected = [of_inputs, of_inputs, *of_nodes]
    np.testing.assert_allclose(_looseness(uniform), expected, rtol=1e-6)
    rng = np.random.default_rng(3)
    for _ in range(5):
        genotype = Genotype.sample(rng)
        reads = [i for n in genotype.normal.nodes for i in (n.input_a, n.input_b)]
        drawn = [tf.one_hot(i, len(row)) for i, row in zip(reads, uniform)]
        ends = np.flatnonzero(_looseness(drawn))
        assert tuple(ends) == genotype.normal.ends
    # Derivatives exist where a probability is 1.
    with tf.GradientTape() as outer:
        outer.watch(drawn)
        with tf.GradientTape() as tape:
            tape.watch(drawn)
            total = tf.add_n([x**2 for x in _looseness(drawn)])
        first = tape.gradient(total, drawn)
        again = tf.add_n([tf.reduce_sum(x**2) for x in first])
    for found in (*first, *outer.gradient(again, drawn)):
        assert np.isfinite(found).all()


def test_draws_are_of_values_that_there_are() -> None:
    counts = choices("nao", OPS)
    alphas = Alphas(counts, AlphaAdam())
    values = tf.constant(RNG.normal(size=[len(counts), MOST])) - 9.0
    with tf.GradientTape() as tape:
        tape.watch(values)
        many = tf.repeat(alphas.logits(values), 100, axis=0)
        drawn, gates = straight_through(many, tf.constant([0, 4]), 10.0)
    most = drawn.numpy().reshape([-1, 100]).max(1)
    assert most.tolist() == [count - 1 for count in counts]
    gradient = tape.gradient(gates, values).numpy()
    there = np.arange(MOST) < np.array(counts)[:, None]
    assert not gradient[~there].any() and (gradient[there] != 0).all()


@pytest.mark.slow
def test_gates_of_one_are_the_super_network_and_say_what_the_mixture_says(shared):
    """Of an operation; the gate of an input says nothing of loose ends."""
    code, images = next(calibrated(shared.network)), BATCHES[0][0]
    weights = some_weights(shared)
    mixed = tf.function(MixedNetwork(shared).__call__, autograph=False)
    gated = tf.function(GatedPath(shared.network).__call__, autograph=False)

    def gradient(run, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = run(x)
            total = tf.reduce_sum(logits[:, 0])
        return logits, tape.gradient(total, x)

    expected, of_mixture = gradient(lambda x: mixed(weights, x, images), hard(code))
    own, ones = shared.of(weights, code), tf.ones([40], tf.float64)
    found, of_gates = gradient(lambda x: gated(own, code, x, images), ones)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    picked = tf.gather(of_mixture, code, batch_dims=1)
    np.testing.assert_allclose(of_gates[1::2], picked[1::2], atol=1e-10)
    np.testing.assert_allclose(of_gates[::2], of_gates[1::2], atol=1e-10)
    assert np.count_nonzero(np.abs(of_gates) > 1e-4) >= 20


@pytest.mark.slow
def test_gradients_of_alphas_are_those_of_differences_and_of_each_other() -> None:
    # Keras' own batch norm has no second derivative in float64.
    shared = make_shared(0, "evaluation")
    weights, search = some_weights(shared), Darts(shared, SETTINGS, AlphaAdam())
    velocity = tf.reverse(weights, [0]) * 0.01
    alphas = tf.constant(RNG.normal(scale=0.5, size=[40, MOST]))

    def move(w, gradient):
        return SETTINGS.moved(w, velocity, gradient, tf.constant(0))[0]

    @tf.function(autograph=False)
    def find(alphas):
        given = search.loss, move, weights, alphas, *BATCHES
        # ReLUs that flip within the published length spoil the difference.
        ways = first_order(*given), second_order(*given)
        return *ways, finite_difference(*given, tf.constant(1e-6, tf.float64))

    step, way = 1e-6, tf.constant(np.random.default_rng(1).normal(size=alphas.shape))
    found, *near = (find(alphas + side * step * way) for side in (0, -1, 1))
    for (_, gradient), (low, _), (high, _) in zip(found, *near):
        along, slope = tf.reduce_sum(way * gradient), (high - low) / 2 / step
        assert float(along) == pytest.approx(float(slope), rel=1e-5, abs=1e-7)
    (_, first), (loss, exact), (same, published) = found
    assert float(same) == pytest.approx(float(loss), rel=1e-12)
    np.testing.assert_allclose(published, exact, rtol=1e-4, atol=1e-7)
    assert np.linalg.norm(first - exact) > 0.01 * np.linalg.norm(exact)


@pytest.mark.slow
def test_gdas_trains_what_it_draws_and_nothing_else(small) -> None:
    search = Gdas(small, SETTINGS, AlphaAdam(), seed=5)
    code = small.network.draw(tf.constant([0, 3]))
    search.alphas.values.assign(60 * hard(code))  # certain
    before, alphas = search.weights.numpy(), search.alphas.values.numpy()
    own = small.of(search.weights, code)
    expected, _ = search._path.gradient(own, code, *BATCHES[1])
    _, of_validation = search.train(*BATCHES)
    assert float(of_validation) == pytest.approx(float(expected), rel=1e-12)
    others = np.setdiff1d(np.arange(small.size), small.places(code).numpy())
    np.testing.assert_array_equal(search.weights.numpy()[others], before[others])
    assert (search.weights.numpy() != before).any()
    assert (search.alphas.values.numpy() != alphas).any()
    assert search.genotype == small.network.decode(code.numpy().tolist())
    search.alphas.values.assign(np.zeros([40, MOST]))
    losses = [float(search.train(BATCHES[0], BATCHES[0])[0]) for _ in range(60)]
    assert np.mean(losses[-20:]) < np.mean(losses[:20])
    assert search._traced.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_darts_lowers_both_losses(small) -> None:
    search = Darts(small, SETTINGS, AlphaAdam(learning_rate=0.05))
    losses = np.array([search.train(BATCHES[0], BATCHES[0]) for _ in range(30)])
    assert (losses[-1] < losses[0] - 0.1).all()
    assert search.alphas.entropy < np.mean(np.log(small.network.choices)) - 0.01
    there = search.alphas.mixture.numpy() > 0
    assert there.sum(1).tolist() == small.network.choices
