"""Shared weights: those of an architecture are its own, and no step moves others."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.cells import OPS, OPS_201, Cell, Genotype, Genotype201, Node
from gtn_tf.errors import ArgumentError
from gtn_tf.inner import graph_rewrites_off
from gtn_tf.supernet import (
    SGD,
    SharedFile,
    SharedScores,
    SharedWeights,
    SinglePath,
    SuperNetwork,
    load_shared,
)
from gtn_tf.supernet.shared_scores import equal_batches

SHAPE, CLASSES, FILTERS = (6, 6, 2), 3, 2
RNG = np.random.default_rng(0)
IMAGES = tf.constant(RNG.normal(size=[12, *SHAPE]), tf.float32)
LABELS = tf.constant(np.arange(12) % CLASSES, tf.int32)
# Each of the five operations on each edge.
CELLS = [Genotype201([OPS_201[(i + k) % 5] for i in range(6)]) for k in range(5)]
RANDOM = [Genotype201.sample(np.random.default_rng(seed)) for seed in range(3)]
WIDTHS = FILTERS, 2 * FILTERS, 4 * FILTERS  # of the three stages, one cell in each
OWN = {
    "nor_conv_1x1": sum(c * c + 2 * c for c in WIDTHS),
    "nor_conv_3x3": sum(9 * c * c + 2 * c for c in WIDTHS),
}


@pytest.fixture(autouse=True, scope="module")
def plain_graphs():
    """Rewrites of large graphs take seconds."""
    with graph_rewrites_off():
        yield


@pytest.fixture(scope="module")
def shared():
    return SharedWeights(SuperNetwork("nas_bench_201", SHAPE, CLASSES, 1, FILTERS))


@pytest.fixture(scope="module")
def training(shared):
    """Its weights are random, also where initializers give ones and zeros."""
    made = SinglePath(shared, SGD(steps=120, learning_rate=0.1), seed=3)
    noise = RNG.normal(scale=0.1, size=[shared.size - 1])
    made.weights[:-1].assign(made.weights[:-1] + noise.astype(np.float32))
    return made


@pytest.fixture(scope="module")
def scores(shared):
    return SharedScores(shared)


def test_scores_are_those_of_the_stand_alone_network(shared, training, scores) -> None:
    network, batches = shared.network, [(IMAGES[:7], LABELS[:7])]
    weights = training.weights.read_value()
    for genotype in CELLS + RANDOM:
        code = network.encode(genotype)
        own = shared.of(weights, code)
        alone = network.extract(genotype, own, network.fresh_statistics(code))
        logits = alone(IMAGES[:7], training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS[:7], logits)
        found = scores(weights, code, batches)
        assert found.loss == pytest.approx(float(tf.reduce_mean(losses)), abs=1e-5)
        right = np.mean(np.argmax(logits, axis=1) == LABELS[:7])
        assert found.accuracy == pytest.approx(right)
    assert scores._traced.experimental_get_tracing_count() == 1


def test_each_operation_of_each_edge_has_weights_of_its_own(shared) -> None:
    network = shared.network
    nothing = shared.size - 1

    def of(genotype: Genotype201) -> set[int]:
        return {*shared.places(network.encode(genotype)).numpy().tolist()} - {nothing}

    none = of(Genotype201(["none"] * 6))  # the stem, residual blocks and the head
    together = set(none)
    for edge in range(6):
        for op in OPS_201:
            one = Genotype201([op if i == edge else "none" for i in range(6)])
            assert len(of(one) - none) == OWN.get(op, 0)
            assert none <= of(one) and not (of(one) - none) & (together - none)
            together |= of(one)
    assert together == set(range(nothing))  # no weight is left over


def test_a_step_moves_the_weights_of_its_architecture_alone(shared, training) -> None:
    network = shared.network
    before = [v.numpy() for v in (training.weights, training.velocity)]
    training.velocity.assign(tf.ones_like(training.velocity))
    training.velocity[-1].assign(0.0)
    for genotype in CELLS[:2]:
        code = network.encode(genotype)
        now = tf.cast(training.step, tf.float32)  # as if no step was missed
        training.steps_done.assign(tf.fill([shared.size], now))
        places = shared.places(code).numpy()
        others = np.setdiff1d(np.arange(shared.size), places)
        with tf.GradientTape() as tape:
            own = shared.of(training.weights, code)
            loss, gradient = training.gradient(own, code, IMAGES, LABELS)
            total = tf.reduce_sum(tf.stop_gradient(gradient) * own)
        of_all = tf.convert_to_tensor(tape.gradient(total, training.weights)).numpy()
        assert not of_all[others].any() and of_all[places].any()
        weights, velocity = training.weights.numpy(), training.velocity.numpy()
        assert float(training.train(code, IMAGES, LABELS)) == pytest.approx(float(loss))
        for old, now in ((weights, training.weights), (velocity, training.velocity)):
            np.testing.assert_array_equal(now.numpy()[others], old[others])
            moved = places[places < shared.size - 1]
            assert (now.numpy()[moved] != old[moved]).all()
            assert now.numpy()[-1] == 0
    training.weights.assign(before[0])
    training.velocity.assign(before[1])


def test_one_cell_is_trained_as_keras_trains_it(shared, training) -> None:
    genotype, network, sgd = CELLS[1], shared.network, training._sgd
    code = network.encode(genotype)
    before = network.fresh_statistics(code)
    for variable in (training.velocity, training.steps_done, training.step):
        variable.assign(tf.zeros_like(variable))
    alone = network.extract(genotype, shared.of(training.weights, code), before)
    variables = alone.trainable_variables
    optimizer = tf.keras.optimizers.SGD(0.1, sgd.momentum, nesterov=True)
    for step in range(3):
        with tf.GradientTape() as tape:
            logits = alone(IMAGES, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, logits)
            loss = tf.reduce_mean(losses)
        gradients, _ = tf.clip_by_global_norm(
            tape.gradient(loss, variables), sgd.gradient_clip
        )
        optimizer.learning_rate = sgd.rate(tf.constant(step))
        decayed = [g + sgd.weight_decay * v for g, v in zip(gradients, variables)]
        optimizer.apply_gradients(zip(decayed, variables))
        found = float(training.train(code, IMAGES, LABELS))
        assert found == pytest.approx(float(loss), abs=1e-5)
    now = network.extract(genotype, shared.of(training.weights, code), before)
    for ours, theirs in zip(now.trainable_variables, variables):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_decay_of_missed_steps_is_made_up_for(shared) -> None:
    convolution, skip = Genotype201(["nor_conv_3x3"] * 6), Genotype201([OPS_201[1]] * 6)
    codes = [shared.network.encode(genotype) for genotype in (convolution, skip)]
    sgd = SGD(steps=9, learning_rate=0.1, momentum=0.5, weight_decay=0.02)
    training = SinglePath(shared, sgd)
    for code in (codes[0], codes[1], codes[1]):
        training.train(code, IMAGES, LABELS)
    places, others = (shared.places(code).numpy() for code in codes)
    weights, velocity = (
        tf.gather(v, places) for v in (training.weights, training.velocity)
    )
    missed = np.where(np.isin(places, others), 0, 2).astype(np.float32)
    assert missed.any() and not missed.all()
    rate = float(sgd.rate(tf.constant(3)))
    # Of a velocity of decay alone, after many steps: 1 / (1 - momentum) of one step's.
    weights *= np.exp(-0.02 * rate / (1 - 0.5) * missed)
    _, gradient = training.gradient(weights, codes[0], IMAGES, LABELS)
    gradient = sgd.clipped(gradient)
    expected, _ = sgd.moved(weights, velocity, gradient, tf.constant(3))
    training.train(codes[0], IMAGES, LABELS)
    np.testing.assert_allclose(
        tf.gather(training.weights, places), expected, rtol=1e-5, atol=1e-6
    )


def test_one_trace_and_a_falling_loss_over_many_architectures(shared, training):
    for variable in (training.steps_done, training.step):
        variable.assign(tf.zeros_like(variable))
    losses = []
    for number in range(120):
        code = shared.network.draw(tf.constant([0, number]))
        losses.append(float(training.train(code, IMAGES, LABELS)))
    assert training._traced.experimental_get_tracing_count() == 1
    assert int(training.step) == 120
    assert np.mean(losses[-20:]) < np.mean(losses[:20]) - 0.1


def test_a_cell_that_lets_nothing_through_is_at_chance(shared, training, scores):
    code = shared.network.encode(Genotype201(["none"] * 6))
    weights = training.weights.read_value()
    found = scores(weights, code, equal_batches(IMAGES, LABELS))
    assert found.accuracy == pytest.approx(1 / CLASSES)
    own, before = shared.of(weights, code), shared.network.fresh_statistics(code)
    logits, _ = shared.network(own, before, IMAGES, code, training=True)
    np.testing.assert_allclose(logits, logits[:1] + tf.zeros_like(logits), atol=1e-6)


# nao: weights for each input of a node, and for each loose end


def cell(*pairs: tuple[int, int], ops: tuple[str, str]) -> Cell:
    return Cell(tuple(Node(a, ops[0], b, ops[1]) for a, b in pairs))


def test_weights_of_nao_are_of_an_edge_and_of_loose_ends() -> None:
    ops = ["identity", "sep_conv_3x3"]
    network = SuperNetwork("nao", (4, 4, 1), CLASSES, 0, FILTERS, ops=ops)
    shared = SharedWeights(network)
    both, mixed = ("sep_conv_3x3",) * 2, ("identity", "sep_conv_3x3")
    cells = {
        "chain": cell((0, 1), (2, 2), (3, 3), (4, 4), (5, 5), ops=both),  # ends: 6
        "ends": cell((0, 1), (2, 2), (3, 3), (3, 3), (3, 1), ops=both),  # 4, 5, 6
        "mixed": cell((0, 1), (2, 2), (3, 3), (4, 4), (5, 5), ops=mixed),
    }
    genotypes = {name: Genotype(one, one) for name, one in cells.items()}
    codes = {name: network.encode(one) for name, one in genotypes.items()}
    nothing = shared.size - 1

    def slots(name: str) -> list[np.ndarray]:
        picks, places = network.picks(codes[name]), shared.places(codes[name]).numpy()
        own = places[places < nothing]
        assert len(own) == len(set(own))
        ends = np.cumsum([block.size for block, _ in picks])[:-1]
        return [part[part < nothing] for part in np.split(places, ends)]

    # The head's kernel has rows of all states; those of a loose end are its own.
    found, width = {name: slots(name) for name in cells}, 4 * FILTERS
    chain, ends = (found[name][-1] for name in ("chain", "ends"))
    assert len(chain) == width * CLASSES + CLASSES
    assert len(ends) == 3 * width * CLASSES + CLASSES
    np.testing.assert_array_equal(ends[-len(chain) :], chain)
    # Nodes have the same weights for the same input and operation, and no others.
    nodes = [
        n for n, (_, p) in enumerate(network.picks(codes["chain"])) if p.sources > 1
    ]
    sides = [
        [
            (i, op)
            for n in one.nodes
            for i, op in ((n.input_a, n.op_a), (n.input_b, n.op_b))
        ]
        for one in cells.values()
    ]
    assert len(nodes) == 2 * len(sides[0])  # of two reduction cells
    for place, number in enumerate(nodes):
        for name, own in zip(cells, sides):
            slot, first = found[name][number], found["chain"][number]
            same = own[place % 10] == sides[0][place % 10]
            assert not same or slot.tolist() == first.tolist()
            assert same or not {*slot} & {*first}
    # What the stand-alone network computes.
    weights = shared.fresh(tf.constant([0, 5]))
    images = IMAGES[:5, :4, :4, :1]
    own = shared.of(weights, codes["ends"])
    before = network.fresh_statistics(codes["ends"])
    expected = network.extract(genotypes["ends"], own, before)(images, training=True)
    logits, _ = network(own, before, images, codes["ends"], training=True)
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_all_places_of_nao_are_within_the_weights() -> None:
    network = SuperNetwork("nao", (4, 4, 1), CLASSES, 0, FILTERS, ops=OPS["small"])
    shared = SharedWeights(network)
    for number in range(20):
        places = shared.places(network.draw(tf.constant([1, number]))).numpy()
        own = places[places < shared.size - 1]
        assert len(own) == len(set(own)) and places.min() >= 0
        assert places.shape == (network.size,)


# The file


def test_what_is_no_file_of_shared_weights_is_told(tmp_path) -> None:
    with pytest.raises(ArgumentError, match="found no such file; train-supernet"):
        load_shared(tmp_path)
    file = tmp_path / "shared_weights.npz"
    network = {"space": "nao", "image_shape": [8, 8, 1], "num_classes": 10}
    numbers = np.arange(3, dtype=np.float32)
    SharedFile(numbers, network, "digits").save(file)
    found = load_shared(tmp_path)
    assert found.network == network and found.dataset == "digits"
    assert found.digest == load_shared(file).digest
    for wrong in (np.float64([1]), np.float32([[1]]), np.float32([np.nan])):
        SharedFile(wrong, network, "digits").save(file)
        with pytest.raises(ArgumentError, match="expected the shared weights of a fin"):
            load_shared(tmp_path)
    for wrong in ([], {}, {**network, "image_shape": 8}, {**network, "num_classes": 0}):
        SharedFile(numbers, wrong, "digits").save(file)
        with pytest.raises(ArgumentError, match="received those of"):
            load_shared(tmp_path)
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(
        ArgumentError, match="expected the shared weights of a finished"
    ):
        load_shared(tmp_path)
