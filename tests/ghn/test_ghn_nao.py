"""Predicted weights of nao: of loose ends, of both cells, of depthwise kernels."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
import tensorflow as tf

from conftest import slow_after
from gtn_tf.cells import Cell, Genotype, Node
from gtn_tf.ghn import GHN, GHNAdam, GHNTraining
from gtn_tf.ghn.decoder import Join
from gtn_tf.ghn.graph import Topology
from gtn_tf.inner import graph_rewrites_off
from gtn_tf.supernet import SharedScores, SuperNetwork

SHAPE, CLASSES, FILTERS = (4, 4, 2), 3, 2
OPS = ("identity", "conv_1x1", "sep_conv_3x3")
RNG = np.random.default_rng(0)
IMAGES = tf.constant(RNG.normal(size=[9, *SHAPE]), tf.float32)
LABELS = tf.constant(np.arange(9) % CLASSES, tf.int32)


@pytest.fixture(autouse=True, scope="module")
def plain_graphs():
    """Rewrites of large graphs take seconds."""
    with graph_rewrites_off():
        yield


def make(cells: int, filters: int = FILTERS, kind: str = "training") -> SuperNetwork:
    return SuperNetwork("nao", SHAPE, CLASSES, cells, filters, kind, OPS)


@pytest.fixture(scope="module")
def ghn():
    """Of two reduction cells."""
    return GHN(make(cells=0), state=6, hidden=16)


@pytest.fixture(scope="module")
def weights(ghn):
    """Its biases are random, too."""
    noise = tf.constant(RNG.normal(scale=0.1, size=[ghn.size]), tf.float32)
    return ghn.fresh(tf.constant([0, 1])) + noise


@pytest.fixture(scope="module")
def of(ghn, weights):
    """The predicted weights of a genotype."""
    traced = tf.function(ghn.of, autograph=False)
    yield lambda genotype: traced(weights, ghn.network.encode(genotype))
    assert traced.experimental_get_tracing_count() == 1


def sample(seed: int) -> Genotype:
    return Genotype.sample(np.random.default_rng(seed), OPS)


def relabelled(cell: Cell, rng: np.random.Generator) -> Cell:
    """The same cell with other numbers of its nodes, and their branches swapped."""
    order: list[int] = []  # the old numbers, as the new ones go
    while len(order) < len(cell.nodes):
        ready = [
            number
            for number, node in enumerate(cell.nodes, start=2)
            if number not in order
            and all(i < 2 or i in order for i in (node.input_a, node.input_b))
        ]
        order.append(int(rng.choice(ready)))
    new = {0: 0, 1: 1, **{old: place for place, old in enumerate(order, start=2)}}
    nodes = [cell.nodes[old - 2] for old in order]
    return Cell(
        tuple(
            Node(new[n.input_b], n.op_b, new[n.input_a], n.op_a)
            if rng.random() < 0.5
            else Node(new[n.input_a], n.op_a, new[n.input_b], n.op_b)
            for n in nodes
        )
    )


# The graph


def expected_reads(genotype: Genotype, cells: int) -> list[set[int]]:
    """Who reads whom, by walking through the cells."""
    reads: list[set[int]] = [set()]  # the stem

    def add(read: Iterable[int]) -> set[int]:
        reads.append({*read})
        return {len(reads) - 1}

    before = previous = {0}
    for stage in range(3):
        for place in range(cells + (stage > 0)):
            reduces = stage > 0 and place == 0
            cell = genotype.reduction if reduces else genotype.normal
            states = [add(before), add(previous)]
            for node in cell.nodes:
                states.append(add(states[node.input_a]) | add(states[node.input_b]))
            for i in range(2 * reduces):
                states[i] = add(states[i] if i in cell.ends else ())
            ends = set().union(*(states[i] for i in cell.ends))
            before, previous = previous, ends
    add(previous)
    return reads


@pytest.mark.parametrize("cells", slow_after(1, [0, 1]))
def test_operations_read_their_inputs_and_loose_ends(ghn, cells) -> None:
    network = make(cells) if cells else ghn.network
    topology = Topology(network)
    for seed in range(3):
        genotype = sample(seed)
        pairs = network.picks(network.encode(genotype))
        kinds, reads = topology.graph([pick for _, pick in pairs], tf.float32)
        found = [{*np.flatnonzero(row).tolist()} for row in reads.numpy()]
        assert found == expected_reads(genotype, cells)
        for level in topology.levels:
            assert not reads.numpy()[np.ix_(level, level)].any()
        chosen = [block.operations[int(pick.operation)] for block, pick in pairs]
        assert kinds.numpy().tolist() == [topology.kinds[one.kind] for one in chosen]
    assert sorted(sum(topology.levels, [])) == list(range(topology.size))


# The weights


def test_weights_are_where_the_network_has_them(ghn, of) -> None:
    network = ghn.network
    genotype = sample(0)
    code, vector = network.encode(genotype), of(genotype)
    assert vector.shape == [network.size]
    pairs = network.picks(code)
    slots = tf.split(vector, [block.size for block, _ in pairs])
    for (block, pick), slot in zip(pairs, slots):
        shapes = block.operations[int(pick.operation)].shapes(pick.channels)
        size = sum(math.prod(map(int, shape)) for shape in shapes)
        assert slot.numpy()[:size].all() and not slot.numpy()[size:].any()
    before = network.fresh_statistics(code)
    alone = network.extract(genotype, vector, before)
    logits, _ = network(vector, before, IMAGES, code, training=True)
    np.testing.assert_allclose(logits, alone(IMAGES, training=True), atol=1e-5)


def test_other_numbers_of_the_nodes_give_the_same_network(ghn, of) -> None:
    network, one = ghn.network, sample(0)
    reduction = relabelled(one.reduction, np.random.default_rng(0))
    assert len(one.reduction.ends) > 1 and reduction != one.reduction
    found = []
    for genotype in (one, Genotype(one.normal, reduction)):
        code = network.encode(genotype)
        given = of(genotype), network.fresh_statistics(code), IMAGES, code
        found.append((given[0], network(*given, training=True)[0]))
    assert np.abs(found[0][0] - found[1][0]).max() > 1e-3  # in other places
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-5)


@pytest.mark.parametrize("kind", slow_after(1, ["training", "evaluation"]))
def test_predicted_weights_are_normalised(kind) -> None:
    network = make(0, 12, kind)  # no kernel is wider than a patch
    ghn, found = GHN(network), {}
    states = tf.random.stateless_normal([6, 32], [0, 5])
    inputs = tf.random.stateless_normal([7, 32], [0, 6])
    each = zip(network.places, network.picks(network.encode(sample(2))))
    blocks = {block: (place, pick) for place, (block, pick) in each}
    for seed in range(3):
        own = ghn._parts.split(ghn.fresh(tf.constant([0, seed])))
        for block, (place, pick) in blocks.items():
            given, join = states, None
            if pick.channels is not None:
                some = inputs[: len(place.states)]
                given, join = states[:1], Join(some, pick.rows, pick.channels)
            for operation in block.operations:
                predicted = ghn._decoder.predict(operation, given, own, join)
                shapes = operation.shapes(pick.channels)
                for variable, shape, value in zip(operation.weights, shapes, predicted):
                    assert value.shape[1:] == [*map(int, shape)]
                    found.setdefault(variable.name, []).append(value)
    kernels = 0
    for name, values in found.items():
        role = name.partition(":")[0].rpartition("/")[2]
        values = np.concatenate(values)
        if role.endswith("kernel"):
            kernels += 1
            last = -2 if role == "depthwise_kernel" else -1
            expected = math.sqrt(2 / math.prod(values.shape[1:last]))
            assert values.std() == pytest.approx(expected, rel=0.35), name
            kernel = values
        elif role == "g":  # the norm that the kernel has anyway
            norms = np.sqrt((kernel**2).sum(axis=tuple(range(1, kernel.ndim - 1))))
            np.testing.assert_allclose(values, norms, rtol=1e-5)
    assert kernels > 10


@pytest.mark.slow
def test_the_gradient_reaches_all_weights(ghn, weights) -> None:
    code = ghn.network.encode(sample(3))
    upstream = tf.random.stateless_normal([ghn.network.size], [0, 7])

    @tf.function(autograph=False)
    def gradient(weights: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            total = tf.reduce_sum(ghn.of(weights, code) * upstream)
        return tape.gradient(total, weights)

    for name, value in ghn._parts.split(gradient(weights)).items():
        assert np.abs(value).max() > 1e-6, name


# The training


@pytest.mark.slow
@pytest.mark.parametrize("cells", [0, 1])
def test_scores_are_those_of_the_stand_alone_network(cells) -> None:
    ghn = GHN(make(cells), state=6, hidden=5)
    network, scores = ghn.network, SharedScores(ghn)
    weights = ghn.fresh(tf.constant([0, 1]))
    for genotype in map(sample, range(4)):
        code = network.encode(genotype)
        before = network.fresh_statistics(code)
        alone = network.extract(genotype, ghn.of(weights, code), before)
        logits = alone(IMAGES, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, logits)
        found = scores(weights, code, [(IMAGES, LABELS)])
        assert found.loss == pytest.approx(float(tf.reduce_mean(losses)), abs=1e-5)
    assert scores._traced.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_training_lowers_the_loss_where_images_tell_the_class() -> None:
    ghn = GHN(make(cells=0), state=6, hidden=5)
    training = GHNTraining(ghn, GHNAdam(steps=1000, learning_rate=0.01))
    images = np.zeros([12, *SHAPE], np.float32)
    labels = np.arange(12) % CLASSES
    images[np.arange(12), :, labels] = 1  # a column of each class
    images, labels = tf.constant(images), tf.constant(labels)
    codes = [ghn.network.encode(sample(seed)) for seed in range(4)]
    losses = [
        [float(training.train(code, images, labels)) for code in codes]
        for _ in range(30)
    ]
    assert np.mean(losses[-1]) < 0.5 * np.mean(losses[0])
    assert training._traced.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_gradients_are_those_of_finite_differences() -> None:
    tf.keras.backend.set_floatx("float64")
    try:
        expect_finite_differences(GHN(make(cells=0), state=6, hidden=16))
    finally:
        tf.keras.backend.set_floatx("float32")


def expect_finite_differences(ghn: GHN) -> None:
    rng, moves = np.random.default_rng(0), 0
    training = GHNTraining(ghn, GHNAdam(steps=1))
    noise = tf.constant(rng.normal(scale=0.1, size=[ghn.size]))
    weights, code = training.weights + noise, ghn.network.encode(sample(3))
    images = tf.cast(IMAGES, tf.float64)
    gradient = tf.function(training.gradient, autograph=False)
    found = ghn._parts.split(gradient(weights, code, images, LABELS)[1])
    nothing = {name: tf.zeros_like(value) for name, value in found.items()}

    def loss(step: tf.Tensor) -> float:
        return float(gradient(weights + step, code, images, LABELS)[0])

    for name, value in found.items():
        way = rng.normal(size=value.shape) / np.sqrt(value.shape.num_elements())
        each = {**nothing, name: tf.constant(1e-6 * way)}
        step = tf.concat([tf.reshape(one, [-1]) for one in each.values()], 0)
        difference = (loss(step) - loss(-step)) / 2e-6
        moves += abs(difference) > 1e-6
        along = float(tf.reduce_sum(value * way))
        assert along == pytest.approx(difference, rel=1e-4, abs=1e-8), name
    assert moves > 0.8 * len(found)  # some ReLUs may be off in all operations
