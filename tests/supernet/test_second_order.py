"""Meta-gradients through a super-network are those through single networks."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from gtn_tf import inner
from gtn_tf.cells import OPS, Genotype201
from gtn_tf.cells.genotype import LARGE, SMALL
from gtn_tf.inner import InnerInputs, InnerLoop, LearnedSGD
from gtn_tf.learners import CellLearners
from gtn_tf.learners.pool import TEACHING, TRAINING, LearnerPool
from gtn_tf.names import UNROLLS
from gtn_tf.supernet import SubNetwork
from gtn_tf.supernet.choice_block import ChoiceBlock
from plain_layers import PlainNetwork
from test_supernet import (
    CLASSES,
    FILTERS,
    GENOTYPES,
    LABELS,
    chosen,
    close,
    double_precision_and_plain_graphs,  # noqa: F401 (a fixture)
    genotypes_of,
    images_of,
    loss_of,
    make,
    normal,
    sample,
    some,
)

FEW = "identity", "sep_conv_3x3"
STEPS = 3


class PlainLearner:
    """A single network in the place of a `PureModel`."""

    def __init__(self, network, genotype, own_statistics):
        cells = network._size[2]
        self._network = PlainNetwork(genotype, CLASSES, cells, FILTERS, network.kind)
        fresh = network.fresh_statistics(network.encode(genotype))
        self.running = [fresh[own_statistics]]

    def pack(self, weights):
        return weights[0]

    def tensors(self):
        raise NotImplementedError

    def unpack(self, vector):
        return [vector]

    def __call__(self, weights, statistics, images, training):
        logits, layers = self._network(weights[0], statistics[0], images, training)
        return logits, [tf.concat([after for _, _, after in layers.norms], 0)]


def meta_gradient(unroll, optimizer, learner, weights, inputs, real):
    """The objective, and its gradient by images, hyperparameters and weights."""
    loop = InnerLoop(learner, loss_of, optimizer)
    sources = [inputs.images, inputs.hyperparameters, weights]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        first = inner.init_state(loop, [weights])
        state, total = UNROLLS.load(unroll)(loop, first, inputs, real, 1)
        objective = inner.meta_loss(loop, state, real)[0] + total
    return objective, tape.gradient(objective, sources)


def through(network, unroll):
    optimizer = LearnedSGD()

    def run(code, *args):
        return meta_gradient(unroll, optimizer, SubNetwork(network, code), *args)

    return run


def arguments(network, seed):
    rng = np.random.default_rng(seed)
    images = tf.stack([images_of(network, seed + n) for n in range(STEPS)])
    hyperparameters = {
        name: tf.constant(rng.uniform(0.1, 0.3, STEPS))
        for name in ("learning_rates", "momenta")
    }
    inputs = InnerInputs(images, tf.stack([LABELS] * STEPS), hyperparameters)
    return normal(network.size, seed=seed), inputs, (images_of(network, 99), LABELS)


def expect_equal(network, run, genotype, seed):
    """Compares with the tape's gradient through the single network."""
    own, own_statistics = chosen(network, genotype)
    weights, *others = arguments(network, seed)
    objective, gradients = run(network.encode(genotype), weights, *others)
    expected, of_single = meta_gradient(
        "nested_tapes",
        LearnedSGD(),
        PlainLearner(network, genotype, own_statistics),
        tf.boolean_mask(weights, own),
        *others,
    )
    close(objective, expected)
    *by_inputs, by_weights = tf.nest.flatten(gradients)
    *single_inputs, single_weights = tf.nest.flatten(of_single)
    for found, wanted in zip(by_inputs, single_inputs):
        close(found, wanted)
    close(by_weights[own], single_weights)
    assert not by_weights[~own].numpy().any()


@pytest.mark.slow
@pytest.mark.parametrize(("space", "cells"), [("201", 1), ("few", 0)])
def test_one_graph_gives_every_meta_gradient(monkeypatch, space, cells):
    monkeypatch.setitem(OPS, "few", FEW)
    network = make(space, "evaluation", (5, 6, 2), cells)
    run = tf.function(through(network, "recompute"), autograph=False)

    @some(space, 6)
    @given(GENOTYPES.get(space, genotypes_of(FEW)), st.integers(0, 9))
    def compare(genotype, seed):
        expect_equal(network, run, genotype, seed)

    compare()
    assert run.experimental_get_tracing_count() == 1
    if space == "201":
        for unroll in ("keep", "nested_tapes"):
            expect_equal(network, through(network, unroll), sample(space, 1), seed=1)


@pytest.mark.parametrize(
    "space", ["201", pytest.param("every", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("training", [True, False])
def test_passes_of_each_operation_are_its_derivatives(monkeypatch, space, training):
    monkeypatch.setitem(OPS, "every", tuple({*LARGE, *SMALL}))
    network = make(space, "evaluation", (3, 4, 2), cells=1)
    # Of those that differ in their size alone, the first.
    made = reversed(network._wiring._operations.items())
    each = {(kind, width): o for (kind, _, width), o in made}
    for name, operation in each.items():
        x = tf.random.stateless_normal([2, *operation.shape], [0, 1], dtype=tf.float64)
        w = tf.random.stateless_normal([operation.size], [0, 2], dtype=tf.float64)
        s = tf.random.stateless_uniform(
            [operation.statistics_size], [0, 3], 0.5, 2.0, tf.float64
        )
        block = ChoiceBlock(operation)

        def by_passes(x, w, s, block=block):
            return block(0, [x], w, s, training, None, True)

        def plain(x, w, s, operation=operation):
            return operation(x, w, s, training)

        found, wanted = (derivatives(f, training, x, w, s) for f in (by_passes, plain))
        for one, other in zip(found, wanted):
            assert one.shape == other.shape, name
            close(one, other)


def derivatives(function, twice, *inputs):
    """Of all that there is: both outputs and, if asked for, the gradients of one."""

    def weighted(tensors):
        """A sum whose derivative has another factor for each number."""
        return tf.add_n([tf.reduce_sum(y * normal(*y.shape, seed=3)) for y in tensors])

    with tf.GradientTape() as outer:
        outer.watch(inputs)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y, after = function(*inputs)
            loss = weighted([y**2])
        zero = tf.UnconnectedGradients.ZERO
        gradients = tape.gradient(loss, inputs[:2], unconnected_gradients=zero)
        objective = weighted([y, after, *(gradients if twice else [])])
    of_all = outer.gradient(objective, inputs, unconnected_gradients=zero)
    return [y, after, *gradients, *of_all]


@pytest.mark.parametrize(
    "space", ["nas_bench_201", pytest.param("nao", marks=pytest.mark.slow)]
)
def test_drawn_architectures_are_held_out_or_not(space):
    name = "201" if space == "nas_bench_201" else "large"
    network = make(name, "evaluation", cells=0)
    kinds = len(network._names)
    rest, held_out = (
        np.stack([network.draw(tf.constant([5, n]), out) for n in range(400)])
        for out in (False, True)
    )
    assert not any(map(network.is_held_out, rest[:50]))
    assert all(map(network.is_held_out, held_out[:50]))
    for drawn in (rest, held_out):
        ops = drawn if name == "201" else drawn[:, 1::2]
        shares = [(ops == kind).mean(0) for kind in range(kinds)]
        assert np.abs(np.array(shares) - 1 / kinds).max() < 0.1
        if name == "large":
            inputs = drawn[:, ::2].reshape(-1, 2, 5, 2)
            for node in range(5):
                assert {*np.unique(inputs[:, :, node])} == {*range(2 + node)}
        for code in drawn[:5]:
            network.fresh_weights(tf.constant(code), tf.constant([0, 1]))


def test_a_space_is_split_in_two():
    """Every genotype that is held out is encoded as one, and so is every other."""
    network = make("201", "evaluation", cells=0)
    every = [network.encode(g) for g in list(Genotype201.all())[::25]]
    share = np.mean([bool(network.is_held_out(code)) for code in every])
    assert share == pytest.approx(1 / 5, abs=0.01)


def test_meta_training_draws_no_architecture_that_is_held_out():
    learners = CellLearners("nas_bench_201", cells=0, filters=2, architectures="all")
    pool, again = (LearnerPool(learners, (4, 4, 1), 3, seed=1) for _ in range(2))

    def codes(pool, stream, held_out):
        seeds = [pool.seed(stream, n) for n in range(30)]
        return [pool.network(0, seed, held_out).genotype for seed in seeds]

    trained, taught = codes(pool, TRAINING, False), codes(pool, TEACHING, True)
    (network,) = pool
    assert not any(map(network.is_held_out, trained))
    assert all(map(network.is_held_out, taught))
    assert len({tuple(code.numpy()) for code in trained}) > 25
    # A run that is resumed goes on with the same ones.
    np.testing.assert_array_equal(trained, codes(again, TRAINING, False))
    learner, (weights,) = pool.draw(0, pool.seed(TEACHING, 3), held_out=True)
    np.testing.assert_array_equal(learner.genotype, taught[3])
    assert weights.shape == [network.size]
