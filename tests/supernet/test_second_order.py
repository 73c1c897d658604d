"""Meta-gradients through a super-network are those through single networks."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from gtn_tf import inner
from gtn_tf.cells import OPS
from gtn_tf.inner import InnerInputs, InnerLoop, LearnedSGD
from gtn_tf.names import UNROLLS
from gtn_tf.supernet import SubNetwork
from plain_layers import PlainNetwork
from test_supernet import (
    ALL,
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
)

FEW = "identity", "sep_conv_3x3", "max_pool_3x3"
STEPS = 3


class PlainLearner:
    """A single network in the place of a `PureModel`."""

    def __init__(self, network, genotype, own_statistics):
        self._network = PlainNetwork(genotype, CLASSES, 1, FILTERS, network.kind)
        fresh = network.fresh_statistics(network.encode(genotype))
        self.running = [fresh[own_statistics]]

    def pack(self, weights):
        return weights[0]

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


def traced(network, unroll="recompute"):
    optimizer = LearnedSGD()

    @tf.function(autograph=False)
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


@pytest.mark.parametrize("space", ["201", "few"])
def test_one_graph_gives_every_meta_gradient(monkeypatch, space):
    monkeypatch.setitem(OPS, "few", FEW)
    network = make(space, "evaluation", (5, 6, 2))
    run = traced(network)

    @settings(ALL)
    @given(GENOTYPES.get(space, genotypes_of(FEW)), st.integers(0, 9))
    def compare(genotype, seed):
        expect_equal(network, run, genotype, seed)

    compare()
    assert run.experimental_get_tracing_count() == 1
