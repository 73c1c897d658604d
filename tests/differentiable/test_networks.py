"""The mixed network, its single paths, and the searches on them, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.cells import OPS_201, Genotype201
from gtn_tf.differentiable import (
    ALPHA_GRADIENTS,
    AlphaAdam,
    Darts,
    GatedPath,
    Gdas,
    MixedNetwork,
    finite_difference,
    first_order,
    second_order,
)
from gtn_tf.differentiable.gdas import straight_through
from gtn_tf.errors import ArgumentError
from gtn_tf.inner import graph_rewrites_off
from gtn_tf.precision import precision
from gtn_tf.supernet import SGD, SharedWeights, SuperNetwork

SHAPE, CLASSES, FILTERS = (4, 4, 2), 3, 2
RNG = np.random.default_rng(0)
BATCHES = [
    (tf.constant(RNG.normal(size=[8, *SHAPE])), tf.constant(RNG.integers(0, 3, [8])))
    for _ in range(2)
]
ALPHAS = tf.constant(RNG.normal(scale=0.5, size=[6, 5]))
# Each of the five operations on each edge.
CELLS = [Genotype201([OPS_201[(i + k) % 5] for i in range(6)]) for k in range(5)]
SETTINGS = SGD(steps=10, learning_rate=0.05, weight_decay=0.01)


@pytest.fixture(autouse=True, scope="module")
def double_precision_and_plain_graphs():
    with precision("float64"), graph_rewrites_off():
        yield


def make_shared(kind="training"):
    network = SuperNetwork("nas_bench_201", SHAPE, CLASSES, 1, FILTERS, kind)
    return SharedWeights(network)


@pytest.fixture(scope="module")
def shared(double_precision_and_plain_graphs):
    return make_shared()


@pytest.fixture(scope="module")
def weights(shared):
    return some_weights(shared)


def some_weights(shared):
    """Random ones, also where initializers give ones and zeros."""
    noise = np.random.default_rng(1).normal(scale=0.1, size=[shared.size - 1])
    fresh = shared.fresh(tf.constant([0, 1]))
    return fresh + tf.constant([*noise, 0.0], fresh.dtype)


@pytest.fixture(scope="module")
def mixed(shared):
    network = MixedNetwork(shared)
    return tf.function(network.__call__, autograph=False)


@pytest.fixture(scope="module")
def gated(shared):
    return tf.function(GatedPath(shared.network).__call__, autograph=False)


def test_one_operation_on_each_edge_is_the_super_network(shared, weights, mixed):
    network, images = shared.network, BATCHES[0][0]
    run = tf.function(network.__call__, autograph=False)
    for genotype in CELLS:
        code = network.encode(genotype)
        own, before = shared.of(weights, code), network.fresh_statistics(code)
        expected, _ = run(own, before, images, code, training=True)
        hard = tf.one_hot(code, 5, dtype=tf.float64)
        np.testing.assert_allclose(mixed(weights, hard, images), expected, atol=1e-10)
    assert mixed.experimental_get_tracing_count() == 1
    assert np.ptp(expected) > 0.1


@pytest.mark.slow
def test_gates_of_one_are_the_super_network_and_say_what_the_mixture_says(
    shared, weights, mixed, gated
):
    """The gradient of a gate is that of the part of the operation that is there."""
    code, images = shared.network.encode(CELLS[3]), BATCHES[0][0]

    def gradient(run, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = run(x)
            total = tf.reduce_sum(logits[:, 0])
        return logits, tape.gradient(total, x)

    hard = tf.one_hot(code, 5, dtype=tf.float64)
    expected, of_mixture = gradient(lambda parts: mixed(weights, parts, images), hard)
    own = shared.of(weights, code)
    ones = tf.ones([6], tf.float64)
    found, of_gates = gradient(lambda gates: gated(own, code, gates, images), ones)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    picked = tf.gather(of_mixture, code, batch_dims=1)
    np.testing.assert_allclose(of_gates, picked, atol=1e-10)
    assert np.count_nonzero(np.abs(picked) > 1e-4) >= 3


# DARTS


def gradients_of(shared, weights, batches):
    """The loss and the gradient by each function, at once, of the alphas."""
    search = Darts(shared, SETTINGS, AlphaAdam())
    velocity = tf.reverse(weights, [0]) * 0.01

    def move(w, gradient):
        return SETTINGS.moved(w, velocity, gradient, tf.constant(0))[0]

    def run(alphas, length):
        given = search.loss, move, weights, alphas, *batches
        return {
            "first_order": first_order(*given),
            "second_order": second_order(*given),
            "finite_difference": finite_difference(*given, length),
        }

    traced = tf.function(run, autograph=False)
    return lambda alphas, length: traced(alphas, tf.cast(length, alphas.dtype))


def slopes(find, way):
    """By differences of the losses, which need no second derivative."""
    step = 1e-6
    near = [find(ALPHAS + side * step * way, 0.01) for side in (-1, 1)]
    return {
        name: float(near[1][name][0] - near[0][name][0]) / 2 / step for name in near[0]
    }


@pytest.mark.slow
def test_gradients_of_alphas_are_those_of_differences_and_of_each_other() -> None:
    # Keras' own batch norm has no second derivative in float64.
    shared = make_shared("evaluation")
    find = gradients_of(shared, some_weights(shared), BATCHES)
    # In so small a network, ReLUs that flip within .01 spoil the published difference.
    found = find(ALPHAS, 1e-6)
    way = tf.constant(np.random.default_rng(1).normal(size=ALPHAS.shape))
    for name, slope in slopes(find, way).items():
        along = float(tf.reduce_sum(way * found[name][1]))
        assert along == pytest.approx(slope, rel=1e-5, abs=1e-7)
    (_, first), exact, published = found.values()
    assert float(published[0]) == pytest.approx(float(exact[0]), rel=1e-12)
    np.testing.assert_allclose(published[1], exact[1], rtol=1e-4, atol=1e-7)
    assert np.linalg.norm(first - exact[1]) > 0.01 * np.linalg.norm(exact[1])


@pytest.mark.slow
def test_the_second_order_is_exact_with_the_batch_norm_of_keras(shared, weights):
    """In single precision, where it runs fused."""
    way = tf.constant(np.random.default_rng(1).normal(size=ALPHAS.shape))
    expected = slopes(gradients_of(shared, weights, BATCHES), way)
    with precision("float32"):
        single = [(tf.cast(x, tf.float32), y) for x, y in BATCHES]
        find = gradients_of(make_shared(), tf.cast(weights, tf.float32), single)
        found = find(tf.cast(ALPHAS, tf.float32), 1e-3)
    for name in ("first_order", "second_order"):
        along = float(tf.reduce_sum(tf.cast(way, tf.float32) * found[name][1]))
        assert along == pytest.approx(expected[name], rel=2e-3)
    assert expected["first_order"] != pytest.approx(expected["second_order"], rel=0.01)


def toy_loss(weights, alphas, batch):
    images, _ = batch
    aim = tf.reduce_sum(alphas) + tf.reduce_mean(images)
    return tf.reduce_mean((weights - aim) ** 2)


@pytest.mark.parametrize("name", ["first_order", "finite_difference"])
def test_a_step_moves_alphas_by_validation_and_weights_by_training(shared, name):
    search = Darts(shared, SETTINGS, AlphaAdam(), name)
    search.loss = toy_loss
    search.alphas.values.assign(ALPHAS)
    weights = search.weights.read_value()
    velocity = tf.random.stateless_normal([shared.size], [0, 1], dtype=tf.float64)
    search.velocity.assign(velocity)
    training, validation = BATCHES

    def ahead(w, gradient):
        return SETTINGS.moved(w, velocity, gradient, tf.constant(0))[0]

    given = toy_loss, ahead, weights, ALPHAS, training, validation
    of_validation, gradient = ALPHA_GRADIENTS[name](*given)
    loss, found = search.train(training, validation)
    assert float(found) == pytest.approx(float(of_validation))
    # Adam's first step is as long as its rate, against the sign of the gradient.
    down = np.sign(gradient + 1e-3 * ALPHAS)
    after = search.alphas.values.read_value()
    np.testing.assert_allclose(after, ALPHAS - 3e-4 * down, rtol=1e-4)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        of_training = toy_loss(weights, after, training)
    assert float(loss) == pytest.approx(float(of_training))
    gradient = SETTINGS.clipped(tape.gradient(of_training, weights))
    now = SETTINGS.moved(weights, velocity, gradient, tf.constant(0))
    np.testing.assert_allclose(search.weights, now[0], atol=1e-12)
    np.testing.assert_allclose(search.velocity, now[1], atol=1e-12)
    assert int(search.step) == int(search.alphas.step) == 1


# GDAS


def test_draws_follow_the_softmax_and_gates_are_one():
    alphas = tf.constant(RNG.normal(size=[6, 5]))
    many = tf.repeat(alphas, 4000, axis=0)
    drawn, gates = straight_through(many, tf.constant([7, 1]), 0.5)
    assert (gates.numpy() == 1).all()
    shares = np.mean(np.eye(5)[drawn.numpy().reshape(6, 4000)], axis=1)
    np.testing.assert_allclose(shares, tf.nn.softmax(alphas), atol=0.03)


def test_the_gradient_of_a_draw_is_that_of_the_soft_one():
    alphas, seed = tf.constant(RNG.normal(size=[6, 5])), tf.constant([0, 4])
    upstream = tf.constant(RNG.normal(size=[6]))
    with tf.GradientTape() as tape:
        tape.watch(alphas)
        drawn, gates = straight_through(alphas, seed, 0.7)
        total = tf.reduce_sum(upstream * gates)
    found = tape.gradient(total, alphas)
    # The same noise, in a formula of its own.
    uniform = tf.random.stateless_uniform([6, 5], seed, dtype=tf.float64).numpy()
    noisy = np.log(tf.nn.softmax(alphas)) - np.log(-np.log(uniform))
    assert drawn.numpy().tolist() == np.argmax(noisy, 1).tolist()
    soft = np.exp(noisy / 0.7) / np.exp(noisy / 0.7).sum(1, keepdims=True)
    own = np.take_along_axis(soft, drawn.numpy()[:, None], 1)
    hot = np.eye(5)[drawn.numpy()]
    # Of softmax; the part through log softmax is the same for all operations: none.
    expected = upstream.numpy()[:, None] * own * (hot - soft) / 0.7
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.slow
def test_gdas_trains_what_it_draws_and_nothing_else(shared):
    search = Gdas(shared, SETTINGS, AlphaAdam(), seed=5)
    search.alphas.values.assign(np.eye(5)[[3, 1, 0, 2, 4, 3]] * 60)  # certain
    code = tf.constant([3, 1, 0, 2, 4, 3])
    before = search.weights.numpy()
    own = shared.of(search.weights, code)
    expected, _ = search._path.gradient(own, code, *BATCHES[1])
    alphas = search.alphas.values.numpy()
    _, of_validation = search.train(*BATCHES)
    assert float(of_validation) == pytest.approx(float(expected), rel=1e-12)
    others = np.setdiff1d(np.arange(shared.size), shared.places(code).numpy())
    np.testing.assert_array_equal(search.weights.numpy()[others], before[others])
    assert (search.weights.numpy() != before).any()
    assert (search.alphas.values.numpy() != alphas).any()
    search.alphas.values.assign(np.zeros([6, 5]))
    losses = [float(search.train(BATCHES[0], BATCHES[0])[0]) for _ in range(60)]
    assert np.mean(losses[-20:]) < np.mean(losses[:20])
    assert search._traced.experimental_get_tracing_count() == 1


def test_the_genotype_is_that_of_the_largest_alphas(shared):
    search = Darts(shared, SETTINGS, AlphaAdam())
    search.alphas.values.assign(np.eye(5)[[3, 1, 0, 2, 4, 3]])
    assert str(search.genotype) == (
        "|nor_conv_3x3~0|+|skip_connect~0|none~1|"
        "+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_3x3~2|"
    )


def test_what_cannot_be_searched_is_refused(shared):
    with pytest.raises(ArgumentError, match="expected one of first_order, second_o"):
        Darts(shared, SETTINGS, AlphaAdam(), "third_order")
    with pytest.raises(ArgumentError, match="expected Keras' floatx float32 .*float64"):
        Darts(shared, SETTINGS, AlphaAdam(), "second_order")
