"""Super-networks: equal to the stand-alone networks, whatever the architecture."""

from __future__ import annotations

import functools
import os

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gtn_tf import inner
from gtn_tf.cells import (
    OPS,
    OPS_201,
    Cell,
    Genotype,
    Genotype201,
    GenotypeError,
    Node,
    cell_network,
    network_201,
)
from gtn_tf.functional import PureModel
from gtn_tf.learners import fresh_weights
from gtn_tf.precision import precision
from gtn_tf.supernet import SuperNetwork
from plain_layers import PlainNetwork

CLASSES, FILTERS, BATCH = 3, 2, 4
LABELS = tf.constant([0, 1, 2, 1])


def some(space, of_201=12):
    """Other genotypes each time: a few, or as many as the variable GENOTYPES says."""
    count = int(os.environ.get("GENOTYPES", of_201 if space == "201" else 4))
    return settings(max_examples=count, deadline=None, phases=[Phase.generate])


NETWORKS = [
    ("201", "training"),
    pytest.param("201", "evaluation", marks=pytest.mark.slow),
    ("small", "training"),
    pytest.param("large", "evaluation", marks=pytest.mark.slow),
]


@pytest.fixture(autouse=True, scope="module")
def double_precision_and_plain_graphs():
    """Float64 for sharp comparisons; rewrites of large graphs take seconds."""
    with precision("float64"), inner.graph_rewrites_off():
        yield


@pytest.fixture(scope="module")
def networks():
    """Gives each network once, so that each operation is traced once."""
    made = {}

    def network(space, kind, shape=(6, 6, 2), cells=1):
        key = space, kind, shape, cells
        if key not in made:
            made[key] = make(*key)
        return made[key]

    return network


def make(space, kind, shape=(6, 6, 2), cells=1):
    name = "nas_bench_201" if space == "201" else "nao"
    ops = OPS.get(space, OPS["large"])
    return SuperNetwork(name, shape, CLASSES, cells, FILTERS, kind, ops)


@st.composite
def genotypes_of(draw, ops):
    """Genotypes of the NAO space."""

    def cell():
        op = st.sampled_from(ops)
        nodes = []
        for number in range(2, 7):
            source = st.integers(0, number - 1)
            nodes.append(Node(draw(source), draw(op), draw(source), draw(op)))
        return Cell(tuple(nodes))

    return Genotype(cell(), cell())


GENOTYPES = {
    "201": st.lists(st.sampled_from(OPS_201), min_size=6, max_size=6).map(Genotype201),
    "large": genotypes_of(OPS["large"]),
    "small": genotypes_of(OPS["small"]),
}


def sample(space, seed=0):
    rng = np.random.default_rng(seed)
    of_201 = space == "201"
    return Genotype201.sample(rng) if of_201 else Genotype.sample(rng, OPS[space])


def normal(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape))


def images_of(network, seed=0):
    return normal(BATCH, *network._size[0], seed=seed)


def loss_of(labels, logits):
    return tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    )


def train(network, weights, statistics, images, cell):
    """Logits, gradient and statistics of a training step."""
    with tf.GradientTape() as tape:
        tape.watch(weights)
        logits, statistics = network(weights, statistics, images, cell, True)
        loss = loss_of(LABELS, logits)
    return logits, tape.gradient(loss, weights), statistics


def chosen(network, genotype):
    """Which numbers of both vectors belong to an architecture."""
    of_weights = []
    for block, operation, channels in network._chosen(genotype):
        parts = operation.split(tf.zeros([block.size], tf.float64), channels)
        ones = operation.join([*map(tf.ones_like, parts)], block.size)
        of_weights.append(ones.numpy() == 1)
    of_statistics = [
        np.arange(block.statistics_size) < operation.statistics_size
        for block, operation, _ in network._chosen(genotype)
    ]
    return np.concatenate(of_weights), np.concatenate(of_statistics)


def close(a, b):
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * abs(b).max(initial=1))


def expect_equal(network, genotype, step, seed=0, steps=1):
    """Compares training steps and an evaluation with those of the single network."""
    cell, images = network.encode(genotype), images_of(network)
    rng = np.random.default_rng(seed)
    weights = tf.constant(rng.normal(size=network.size))
    statistics = tf.constant(rng.uniform(0.5, 2, network.statistics_size))
    own, own_statistics = chosen(network, genotype)
    _, classes, cells, filters = network._size
    plain = PlainNetwork(genotype, classes, cells, filters, network.kind)
    for _ in range(steps):
        logits, gradient, after = step(weights, statistics, images, cell)
        ours = tf.boolean_mask(weights, own)
        before = tf.boolean_mask(statistics, own_statistics)
        with tf.GradientTape() as tape:
            tape.watch(ours)
            expected, layers = plain(ours, before, images, True)
            loss = loss_of(LABELS, expected)
        taken = tape.gradient(loss, layers.taken)
        close(logits, expected)
        close(gradient[own], layers.flat(taken))
        assert not gradient[~own].numpy().any()
        close(after[own_statistics], layers.statistics_after(taken))
        np.testing.assert_array_equal(
            after[~own_statistics], statistics[~own_statistics]
        )
        weights, statistics = weights - 0.05 * gradient, after
    ours = tf.boolean_mask(weights, own)
    before = tf.boolean_mask(statistics, own_statistics)
    return (weights, statistics, images, cell), plain(ours, before, images, False)[0]


def compiled(network):
    """A training step and an evaluation as graphs."""

    def step(*args):
        return train(network, *args)

    def evaluate(*args):
        return network(*args)[0]

    return tf.function(step, autograph=False), tf.function(evaluate, autograph=False)


@pytest.mark.parametrize(("space", "kind"), NETWORKS)
def test_equals_the_single_network(networks, space, kind):
    network = networks(space, kind)

    @some(space)
    @given(GENOTYPES[space], st.integers(0, 9))
    def run(genotype, seed):
        def step(*args):
            return train(network, *args)

        args, expected = expect_equal(network, genotype, step, seed)
        close(network(*args)[0], expected)

    run()


@pytest.mark.parametrize(
    ("space", "kind"),
    [
        ("201", "training"),
        pytest.param("few", "evaluation", marks=pytest.mark.slow),
    ],
)
def test_one_graph_is_every_architecture(monkeypatch, space, kind):
    few = "identity", "sep_conv_3x3", "max_pool_3x3"
    monkeypatch.setitem(OPS, "few", few)
    network = make(space, kind, (5, 7, 1))
    step, evaluate = compiled(network)

    @some(space)
    @given(GENOTYPES.get(space, genotypes_of(few)), st.integers(0, 9))
    def run(genotype, seed):
        args, expected = expect_equal(network, genotype, step, seed, steps=3)
        close(evaluate(*args), expected)

    run()
    assert step.experimental_get_tracing_count() == 1
    assert evaluate.experimental_get_tracing_count() == 1


@pytest.mark.parametrize(
    ("space", "kind", "shape", "cells"),
    [
        ("201", "evaluation", (1, 1, 2), 2),
        ("201", "training", (5, 7, 1), 0),
        pytest.param("small", "evaluation", (1, 1, 2), 1, marks=pytest.mark.slow),
        pytest.param("large", "training", (5, 7, 1), 0, marks=pytest.mark.slow),
    ],
)
def test_other_sizes_equal_the_single_network(space, kind, shape, cells):
    network = make(space, kind, shape, cells)

    for seed in range(2):
        args, expected = expect_equal(
            network, sample(space, seed), functools.partial(train, network)
        )
        close(network(*args)[0], expected)


@pytest.mark.parametrize(("space", "kind"), NETWORKS)
def test_extracted_model_trains_alike(networks, space, kind):
    network, genotype = networks(space, kind), sample(space, 3)
    cell, images = network.encode(genotype), images_of(network)
    weights = network.fresh_weights(cell, tf.constant([0, 1]))
    statistics = network.fresh_statistics(cell)
    model = network.extract(genotype, weights, statistics)
    for _ in range(3):
        logits, gradient, statistics = train(network, weights, statistics, images, cell)
        weights -= 0.05 * gradient
        with tf.GradientTape() as tape:
            expected = model(images, training=True)
            loss = loss_of(LABELS, expected)
        close(logits, expected)
        variables = model.trainable_variables
        for variable, g in zip(variables, tape.gradient(loss, variables)):
            variable.assign_sub(0.05 * g)
    close(network(weights, statistics, images, cell)[0], model(images, training=False))
    inserted, inserted_statistics = network.insert(genotype, model)
    live = inserted.numpy() != 0  # of layers that the model has
    close(inserted[live], weights[live])
    live = inserted_statistics.numpy() != 0
    close(inserted_statistics[live], statistics[live])


@pytest.mark.parametrize(
    "space", ["201", pytest.param("small", marks=pytest.mark.slow)]
)
def test_tensors_are_those_of_the_single_network(networks, space):
    network, genotype = networks(space, "training"), sample(space, 3)
    cell = network.encode(genotype)
    weights, statistics = network.insert(
        genotype,
        network.extract(
            genotype,
            network.fresh_weights(cell, tf.constant([0, 1])),
            network.fresh_statistics(cell),
        ),
    )
    tensors = network.tensors(cell)
    found = tensors.squared_norms(weights)[(weights != 0) & tensors.are_kernels()]
    model = network.extract(genotype, weights, statistics)
    expected = [
        np.full(tf.size(v), tf.reduce_sum(v**2))
        for v in model.trainable_variables
        if len(v.shape) > 1
    ]
    close(np.sort(found), np.sort(np.concatenate(expected)))


@pytest.mark.parametrize(("space", "kind"), NETWORKS)
def test_models_of_cells_are_inserted(networks, space, kind):
    network, genotype = networks(space, kind), sample(space, 4)
    function = network_201 if space == "201" else cell_network
    model = function(genotype, *network._size, kind)
    model.set_weights([np.random.uniform(0.5, 1, w.shape) for w in model.get_weights()])
    weights, statistics = network.insert(genotype, model)
    images, cell = images_of(network), network.encode(genotype)
    expected = model(images, training=False)
    close(network(weights, statistics, images, cell)[0], expected)
    again = network.extract(genotype, weights, statistics)
    for a, b in zip(again.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(network.insert(genotype, again), (weights, statistics)):
        np.testing.assert_array_equal(a, b)


def test_layers_that_nothing_reads_have_no_weights_in_a_model(networks):
    network = networks("201", "training")
    genotype = Genotype201(["nor_conv_3x3", "skip_connect", *["none"] * 4])
    weights, statistics = network.insert(
        genotype, network_201(genotype, *network._size)
    )
    edge = network._wiring.blocks[1].size
    stem = network._wiring.blocks[0].size
    assert not weights[stem : stem + edge].numpy().any()


@pytest.mark.parametrize(("space", "kind"), NETWORKS)
def test_fresh_weights_are_drawn_as_keras_does(networks, space, kind):
    network = networks(space, kind)
    genotype = sample(space, 0)
    cell = network.encode(genotype)
    weights = network.fresh_weights(cell, tf.constant([0, 0]))
    again = network.fresh_weights(cell, tf.constant([0, 0]))
    np.testing.assert_array_equal(weights, again)
    other = network.fresh_weights(cell, tf.constant([1, 0]))
    own, of_statistics = chosen(network, genotype)
    assert (weights != other).numpy()[own].mean() > 0.5
    assert not weights.numpy()[~own].any()
    statistics = network.fresh_statistics(cell)
    assert not statistics.numpy()[~of_statistics].any()
    model = network.extract(genotype, weights, statistics)
    for layer in model.layers:
        if hasattr(layer, "gamma"):
            assert (layer.gamma.numpy() == 1).all()
            assert (layer.moving_variance.numpy() == 1).all()
            assert not layer.beta.numpy().any()
            assert not layer.moving_mean.numpy().any()
        if hasattr(layer, "v"):
            v = tf.reshape(layer.v, [-1, layer.g.shape[0]])
            close(layer.g, tf.norm(v, axis=0))


@pytest.mark.parametrize("ends", [1, 2, 4])
def test_kernels_are_drawn_for_the_loose_ends_there_are(networks, ends):
    network = networks("large", "evaluation")
    op = "avg_pool_3x3"
    reads = {
        1: [(0, 1), (2, 2), (3, 3), (4, 4), (5, 5)],
        2: [(0, 1), (2, 2), (3, 3), (4, 4), (2, 4)],
        4: [(0, 1), (2, 2), (2, 1), (0, 1), (1, 0)],
    }[ends]
    cell = Cell(tuple(Node(a, op, b, op) for a, b in reads))
    assert len(cell.ends) == ends
    genotype = Genotype(cell, cell)
    code = network.encode(genotype)
    draw = tf.function(network._wiring.blocks[-1].fresh, autograph=False)
    pick = network._wiring.picks(code)[-1]
    kernels = []
    fan_in = int(pick.channels)
    assert fan_in == ends * 4 * FILTERS
    for seed in range(200):
        slot = draw(0, tf.constant([0, seed]), pick.channels)
        kernels.append(slot[: fan_in * CLASSES])
        assert not slot[fan_in * CLASSES + 2 * CLASSES :].numpy().any()
    assert np.std(kernels) == pytest.approx(np.sqrt(2 / fan_in), rel=0.05)


def test_shapes_of_fresh_weights_may_be_others():
    layers = [tf.keras.layers.Input([8]), tf.keras.layers.Dense(100)]
    model = tf.keras.Sequential(layers)

    def shape_of(variable):
        return [tf.constant(2), 100] if variable.shape.rank == 2 else variable.shape

    kernel, bias = fresh_weights(model, tf.constant([0, 1]), shape_of)
    assert kernel.shape == [2, 100] and bias.shape == [100]
    limit = np.sqrt(6 / 102)  # Glorot's
    assert 0.95 * limit < np.abs(kernel).max() <= limit
    as_it_is, _ = fresh_weights(model, tf.constant([0, 1]))
    assert as_it_is.shape == [8, 100]


def test_statistics_may_be_subtracted_from_and_read():
    """As Keras' batch norm does."""
    layers = [tf.keras.layers.Input([2]), tf.keras.layers.BatchNormalization()]
    pure = PureModel(tf.keras.Sequential(layers))
    before = [tf.zeros([2], tf.float64), tf.ones([2], tf.float64)]
    x = tf.constant([[1.0, 2.0], [3.0, 6.0]], tf.float64)
    _, (mean, variance) = pure(pure.trainable, before, x, training=True)
    np.testing.assert_allclose(mean, [0.02, 0.04], rtol=1e-6)
    np.testing.assert_allclose(variance, [1, 1.03], rtol=1e-6)


def other_genotypes():
    node = Node(0, "conv_3x3", 1, "identity")
    five, four = Cell((node,) * 5), Cell((node,) * 4)
    small = Cell((Node(0, "sep_conv_3x3", 1, "identity"),) * 5)
    chosen = Cell((node,) * 5, (2, 3))
    return {
        "four nodes": ("large", Genotype(five, four), "with 5 nodes in each cell"),
        "concat": ("large", Genotype(chosen, five), "its loose ends as output"),
        "operation": ("large", Genotype(five, small), "operations of identity, conv_1"),
        "small list": ("small", Genotype(five, five), "operations of sep_conv_3x3"),
        "201 in nao": ("small", sample("201"), "expected a genotype of nao, received"),
        "nao in 201": ("201", Genotype(five, five), "genotype of nas_bench_201"),
    }


@pytest.mark.parametrize("case", other_genotypes())
def test_genotypes_of_other_spaces_are_refused(networks, case):
    space, genotype, message = other_genotypes()[case]
    kind = "evaluation" if space == "large" else "training"
    with pytest.raises(GenotypeError, match=message) as raised:
        networks(space, kind).encode(genotype)
    assert "\n" not in str(raised.value)
