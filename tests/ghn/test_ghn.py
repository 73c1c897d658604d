"""Predicted weights: they fit, know the graph alone, are normalised, are learned."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from conftest import slow_after
from gtn_tf.cells import OPS_201, Genotype201
from gtn_tf.errors import ArgumentError
from gtn_tf.ghn import GHN, GHNAdam, GHNFile, GHNTraining, load_ghn
from gtn_tf.ghn.graph import Graph, Topology
from gtn_tf.ghn.parts import Parts
from gtn_tf.ghn.propagation import add_weights, propagate
from gtn_tf.inner import graph_rewrites_off
from gtn_tf.supernet import SharedScores, SuperNetwork

SHAPE, CLASSES, FILTERS = (6, 6, 2), 3, 2
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=[12, *SHAPE])
LABELS = tf.constant(np.arange(12) % CLASSES, tf.int32)
NONE, SKIP, CONV_1, CONV_3, POOL = OPS_201
# Each of the five operations on each edge.
CELLS = [Genotype201([OPS_201[(i + k) % 5] for i in range(6)]) for k in range(5)]
# Nodes 1 and 2 of the first are nodes 2 and 1 of the second.
ONE = Genotype201([CONV_1, CONV_3, NONE, SKIP, CONV_1, CONV_3])
OTHER = Genotype201([CONV_3, CONV_1, NONE, SKIP, CONV_3, CONV_1])
SWAPPED = [1, 0, 2, 3, 5, 4]  # their edges


@pytest.fixture(autouse=True, scope="module")
def plain_graphs():
    """Rewrites of large graphs take seconds."""
    with graph_rewrites_off():
        yield


def network_of(cells: int) -> SuperNetwork:
    return SuperNetwork("nas_bench_201", SHAPE, CLASSES, cells, FILTERS)


def make(cells: int) -> GHN:
    return GHN(network_of(cells), state=6, hidden=5, passes=2)


@pytest.fixture(scope="module")
def ghn():
    return make(cells=1)


@pytest.fixture(scope="module")
def weights(ghn):
    """Its biases are random, too."""
    noise = tf.constant(RNG.normal(scale=0.1, size=[ghn.size]), tf.float32)
    return ghn.fresh(tf.constant([0, 1])) + noise


@pytest.fixture(scope="module")
def of(ghn, weights):
    """The predicted weights of a genotype."""
    traced = tf.function(ghn.of, autograph=False)
    return lambda genotype: traced(weights, ghn.network.encode(genotype))


@pytest.fixture(scope="module")
def scores(ghn):
    return SharedScores(ghn)


def slots(ghn: GHN, vector: tf.Tensor) -> list[np.ndarray]:
    sizes = [block.size for block, _ in ghn.network.picks(tf.zeros([6], tf.int32))]
    return np.split(vector, np.cumsum(sizes)[:-1])


# The graph


def test_operations_read_what_leads_to_their_node() -> None:
    network = network_of(cells=2)
    topology = Topology(network)
    assert topology.size == 1 + 3 * 2 * 6 + 2 + 1
    assert sorted(sum(topology.levels, [])) == list(range(topology.size))
    cell = Genotype201([CONV_1, CONV_3, SKIP, POOL, CONV_1, CONV_3])
    kinds, reads = graph_of(network, cell)
    # stem; two cells; a residual block
    assert kinds.numpy()[:14].tolist() == [5, *[2, 3, 1, 4, 2, 3] * 2, 6]
    found = [np.flatnonzero(row).tolist() for row in reads.numpy()[:14]]
    first = [[0], [0], [1], [0], [1], [2, 3]]
    second = [[4, 5, 6]] * 2 + [[7], [4, 5, 6], [7], [8, 9]]
    assert found == [[], *first, *second, [10, 11, 12]]
    for level in topology.levels:
        assert not reads.numpy()[np.ix_(level, level)].any()


def graph_of(network: SuperNetwork, genotype: Genotype201) -> Graph:
    picks = [pick for _, pick in network.picks(network.encode(genotype))]
    return Topology(network).graph(picks, tf.float32)


def test_what_an_architecture_does_not_use_is_not_in_its_graph(ghn) -> None:
    ops = [CONV_3, NONE, NONE, CONV_1, NONE, NONE]
    cells = [Genotype201([op, *ops[1:]]) for op in OPS_201]
    graphs = [graph_of(ghn.network, cell) for cell in cells]
    for kinds, reads in graphs:
        assert kinds.numpy()[1:7].tolist() == [0, 0, 0, 2, 0, 0]
        np.testing.assert_array_equal(reads, graphs[0].reads)
    assert not graphs[0].reads.numpy()[[1, 2, 3, 5, 6]].any()
    assert not graphs[0].reads.numpy()[:, [1, 2, 3, 5, 6]].any()


# The messages


def propagated(states, reads, levels, weights, passes) -> np.ndarray:
    """One operation after the other, in NumPy."""
    own = {name: value.numpy() for name, value in weights.items()}

    def message(h):
        hidden = np.maximum(h @ own["message/hidden"] + own["message/hidden_bias"], 0)
        return hidden @ own["message/output"] + own["message/output_bias"]

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    states, order = states.copy(), [v for level in levels for v in level]
    for _ in range(passes):
        for forward in (True, False):
            for v in order if forward else order[::-1]:
                others = np.flatnonzero(reads[v] if forward else reads[:, v])
                m = sum((message(states[u]) for u in others), np.zeros_like(states[v]))
                given = np.split(m @ own["gru/message"] + own["gru/bias"], 3)
                of_state = np.split(states[v] @ own["gru/state"], 3)
                z, r = (sigmoid(given[i] + of_state[i]) for i in range(2))
                new = np.tanh(given[2] + r * of_state[2])
                states[v] = z * states[v] + (1 - z) * new
    return states


def test_messages_pass_in_order_and_know_no_numbers_of_operations() -> None:
    parts, size, state = Parts(), 9, 4
    add_weights(parts, state)
    noise = RNG.normal(scale=0.2, size=[parts.size])
    fresh = tf.cast(parts.fresh(tf.constant([0, 1])), tf.float64)
    weights = parts.split(fresh + tf.constant(noise))
    levels = [[0, 1], [2], [3, 4, 5], [6, 7], [8]]
    height = np.repeat(np.arange(5), [len(level) for level in levels])
    possible = height[:, None] > height
    reads = (possible & (RNG.random([size, size]) < 0.5)).astype(float)
    states = RNG.normal(size=[size, state])

    def run(states, reads, levels):
        given = tf.constant(states), tf.constant(reads)
        return propagate(*given, levels, weights, passes=2).numpy()

    found = run(states, reads, levels)
    expected = propagated(states, reads, levels, weights, passes=2)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    order = RNG.permutation(size)
    numbers = [np.argsort(order)[level].tolist() for level in levels]
    again = run(states[order], reads[np.ix_(order, order)], numbers)
    np.testing.assert_allclose(again, found[order], atol=1e-12)


# The weights


def test_weights_are_where_the_network_has_them(ghn, of, scores, weights) -> None:
    network, batches = ghn.network, [(tf.constant(IMAGES, tf.float32), LABELS)]
    for genotype in CELLS[:2]:
        code, vector = network.encode(genotype), of(genotype)
        assert vector.shape == [network.size]
        for (block, pick), slot in zip(network.picks(code), slots(ghn, vector)):
            size = block.operations[int(pick.operation)].size
            assert slot[:size].all() and not slot[size:].any()
        alone = network.extract(genotype, vector, network.fresh_statistics(code))
        logits = alone(IMAGES, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, logits)
        found = scores(weights, code, batches)
        assert found.loss == pytest.approx(float(tf.reduce_mean(losses)), abs=1e-5)
    assert scores._traced.experimental_get_tracing_count() == 1


def test_other_numbers_of_the_nodes_give_the_same_weights(
    ghn, of, scores, weights
) -> None:
    one, other = slots(ghn, of(ONE)), slots(ghn, of(OTHER))
    # Behind the stem, the cell of each stage, and the residual blocks in between.
    order = np.arange(len(one))
    for first in (1, 8, 15):
        order[first : first + 6] = first + np.array(SWAPPED)
    for place, slot in enumerate(one):
        np.testing.assert_allclose(other[order[place]], slot, atol=1e-6)
    batches = [(tf.constant(IMAGES, tf.float32), LABELS)]
    found = [scores(weights, ghn.network.encode(g), batches) for g in (ONE, OTHER)]
    assert found[0].loss == pytest.approx(found[1].loss, abs=1e-5)
    # Another operation somewhere changes the weights everywhere.
    changed = slots(ghn, of(Genotype201([*ONE.ops[:5], CONV_1])))
    for before, after in zip(one, changed):
        assert np.abs(before - after).max() > 1e-4 or not before.any()


@pytest.mark.parametrize("kind", slow_after(1, ["training", "evaluation"]))
def test_predicted_weights_are_normalised(kind) -> None:
    # No layer is wider than a patch but those of the last stage.
    network = SuperNetwork("nas_bench_201", (4, 4, 3), 10, 1, 24, kind)
    ghn, found = GHN(network), {}
    states = tf.random.stateless_normal([4, 32], [0, 5])
    for seed in range(3):
        own = ghn._parts.split(ghn.fresh(tf.constant([0, seed])))
        for block in ghn._alike:
            for operation in block.operations:
                predicted = ghn._decoder.predict(operation, states, own)
                for variable, value in zip(operation.weights, predicted):
                    assert value.shape[1:] == variable.shape
                    found.setdefault(variable.name, []).append(value)
    for name, values in found.items():
        values, role = np.concatenate(values), name.partition(":")[0].split("/")[1]
        if role == "kernel":
            expected = math.sqrt(2 / math.prod(values.shape[1:-1]))
            assert values.std() == pytest.approx(expected, rel=0.25), name
            kernel = values
        elif role == "g":  # the norm that the kernel has anyway
            norms = np.sqrt((kernel**2).sum(axis=tuple(range(1, kernel.ndim - 1))))
            np.testing.assert_allclose(values, norms, rtol=1e-5)
        elif role == "gamma":
            assert 0 < values.min() < 1 < values.max() < 2
        else:
            assert -1 < values.min() < 0 < values.max() < 1


# The training


@pytest.fixture(scope="module", params=[0, 1])
def training(request):
    """In double precision, without cells and with them."""
    tf.keras.backend.set_floatx("float64")
    yield GHNTraining(make(request.param), GHNAdam(steps=1000, learning_rate=0.01))
    tf.keras.backend.set_floatx("float32")


@pytest.mark.slow
def test_gradients_are_those_of_finite_differences(training) -> None:
    rng, moves = np.random.default_rng(0), 0  # the same, whichever tests run
    ghn, images = training._ghn, tf.constant(IMAGES)
    noise = tf.constant(rng.normal(scale=0.1, size=[ghn.size]))
    weights = training.weights + noise
    code = ghn.network.encode(ONE)
    gradient = tf.function(training.gradient, autograph=False)

    def loss(weights: tf.Tensor) -> float:
        return float(gradient(weights, code, images, LABELS)[0])

    found = ghn._parts.split(gradient(weights, code, images, LABELS)[1])
    nothing = {name: tf.zeros_like(value) for name, value in found.items()}
    for name, value in found.items():
        way = rng.normal(size=value.shape) / np.sqrt(value.shape.num_elements())
        each = {**nothing, name: tf.constant(1e-6 * way)}
        step = tf.concat([tf.reshape(one, [-1]) for one in each.values()], 0)
        difference = (loss(weights + step) - loss(weights - step)) / 2e-6
        moves += abs(difference) > 1e-6
        along = float(tf.reduce_sum(value * way))
        assert along == pytest.approx(difference, rel=1e-4, abs=1e-8), name
    assert moves > 0.8 * len(found)  # some ReLUs may be off in all operations


@pytest.mark.slow
def test_training_lowers_the_loss_where_images_tell_the_class(training) -> None:
    ghn = training._ghn
    images = np.zeros([12, *SHAPE])
    images[np.arange(12), :, LABELS.numpy()] = 1  # a row of each class
    images = tf.constant(images + RNG.normal(scale=0.1, size=images.shape))
    codes = [ghn.network.encode(cell) for cell in (ONE, *CELLS)]
    losses = [
        [float(training.train(code, images, LABELS)) for code in codes]
        for _ in range(25)
    ]
    assert np.mean(losses[0]) > 1 and np.max(losses[-1]) < 0.1
    assert training._traced.experimental_get_tracing_count() == 1
    assert int(training.optimizer.iterations) == 25 * len(codes)


# The file


def test_what_is_no_file_of_a_hypernetwork_is_told(tmp_path) -> None:
    with pytest.raises(ArgumentError, match="found no such file; train-ghn --resume"):
        load_ghn(tmp_path)
    network = {"space": "nas_bench_201", "image_shape": [8, 8, 1], "num_classes": 10}
    settings = {"state": 3, "hidden": 4, "passes": 1}
    whole = GHNFile(np.arange(3, dtype=np.float32), network, settings, "digits")
    whole.save(tmp_path / "ghn.npz")
    found = load_ghn(tmp_path)
    assert (found.network, found.settings, found.dataset) == whole[1:]
    other = whole._replace(settings={**settings, "passes": 2})
    assert found.digest == whole.digest != other.digest
    for wrong in (
        {"settings": {**settings, "state": 0}},
        {"settings": {"state": 3}},
        {"settings": [3]},
        {"network": {**network, "image_shape": 8}},
        {"weights": np.float64([1])},
    ):
        whole._replace(**wrong).save(tmp_path / "ghn.npz")
        with pytest.raises(ArgumentError, match="expected the graph hypernetwork of"):
            load_ghn(tmp_path)
