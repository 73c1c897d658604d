"""Counts by formula are those of built networks, to the last digit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from conftest import slow_after
from gtn_tf.cells import (
    OPS,
    PUBLISHED,
    Cell,
    Counts,
    Genotype,
    Genotype201,
    cell_network,
    count_network,
    network_201,
)
from gtn_tf.cells.genotype import OTHERS
from gtn_tf.errors import ArgumentError
from gtn_tf.names import BLOCKS, LAYOUTS
from gtn_tf.search import (
    NAOSpace,
    NASBench201Space,
    ScoringData,
    make_scorer,
    score,
)
from gtn_tf.search.scorers import without_retracing_warnings

ALL_OPS = tuple(dict.fromkeys((*OPS["small"], *OPS["large"], *OTHERS)))
# Odd sides, sides that no pool halves, one channel, and one pixel.
SHAPES = ((8, 8, 3), (5, 5, 1), (7, 4, 2), (6, 9, 1), (2, 3, 3), (1, 1, 1))


def built(network, genotype, image_shape, *size, **options) -> Counts:
    """What a built network has, and what TensorFlow's profiler says of it."""
    model = network(genotype, image_shape, *size, **options)
    run = tf.function(lambda image: model(image, training=False))
    with without_retracing_warnings():
        traced = run.get_concrete_function(tf.TensorSpec([1, *image_shape]))
        profiler = tf.compat.v1.profiler
        asked = profiler.ProfileOptionBuilder.float_operation()
        asked["output"] = "none"
        profile = profiler.profile(traced.graph, options=asked)
    params = sum(v.shape.num_elements() for v in model.trainable_variables)
    return Counts(params, profile.total_float_ops)


def drawn_cell(rng: np.random.Generator) -> Cell:
    """Any operations, and outputs that may leave some nodes unread."""
    nodes = rng.integers(1, 4)
    cell = Genotype.sample(rng, ALL_OPS, nodes).normal
    if rng.random() < 0.5:
        return cell
    chosen = rng.permutation(2 + nodes)[: rng.integers(1, 3 + nodes)]
    return Cell(cell.nodes, tuple(sorted(chosen.tolist())))


def drawn_size(rng: np.random.Generator) -> tuple:
    """Image, classes, N and F."""
    shape = SHAPES[rng.integers(len(SHAPES))]
    return shape, *(int(rng.integers(*bounds)) for bounds in ((1, 4), (0, 2), (1, 6)))


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("seed", slow_after(4, range(24)))
def test_any_cells(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    genotype = Genotype(drawn_cell(rng), drawn_cell(rng))
    size = drawn_size(rng)
    options = {"kind": kind, "layout": [*LAYOUTS][seed % len(LAYOUTS)]}
    expected = built(cell_network, genotype, *size, **options)
    assert count_network(genotype, *size, **options) == expected


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("seed", slow_after(4, range(16)))
def test_any_cell_of_nas_bench_201(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    genotype, size = Genotype201.sample(rng), drawn_size(rng)
    expected = built(network_201, genotype, *size, kind=kind)
    assert count_network(genotype, *size, kind=kind) == expected


@pytest.mark.parametrize("name", slow_after(2, [*PUBLISHED]))
def test_published_cells(name: str) -> None:
    one, size = PUBLISHED[name], ((7, 6, 3), 10, 1, 8)
    expected = built(cell_network, one.genotype, *size, layout=one.layout)
    assert count_network(one.genotype, *size, layout=one.layout) == expected


@pytest.mark.slow
def test_a_published_network_at_its_full_size() -> None:
    one, image = PUBLISHED["amoebanet_b"], ((32, 32, 3), 10)
    size = *image, one.cells, one.filters
    expected = built(cell_network, one.genotype, *size, layout=one.layout)
    assert count_network(one.genotype, *size, layout=one.layout) == expected


@pytest.mark.parametrize("scored_as", BLOCKS)
@pytest.mark.parametrize(
    "kind", [pytest.param(NAOSpace, marks=pytest.mark.slow), NASBench201Space]
)
def test_candidates_of_a_space_are_scored_without_a_network(kind, scored_as) -> None:
    space = kind((6, 5, 1), 3, cells=1, filters=2, scored_as=scored_as)
    candidate = space.candidate(space.sample(np.random.default_rng(0)))
    data = ScoringData((np.zeros([1, 6, 5, 1], np.float32), np.zeros([1])))
    scorers = [make_scorer(name) for name in ("params", "flops")]

    def no_network():
        raise AssertionError("it was built")

    counted = dataclasses.replace(candidate, build=no_network)
    without_counts = dataclasses.replace(candidate, counts=None)
    found = score(counted, scorers, data, 0)
    assert found == score(without_counts, scorers, data, 0)


def test_a_space_with_a_network_of_its_own_is_built() -> None:
    class Wider(NASBench201Space):
        def network(self, genotype, kind="training"):
            size = self.image_shape, self.num_classes, self.cells, 2 * self.filters
            return network_201(genotype, *size, kind)

    space, data = Wider((4, 4, 1), 3, cells=0, filters=2), ScoringData()
    genotype = space.sample(np.random.default_rng(0))
    found = score(space.candidate(genotype), [make_scorer("params")], data, 0)
    wide = count_network(genotype, (4, 4, 1), 3, cells=0, filters=4)
    assert space.counts(genotype) is None and found["params"] == wide.params

    class Counted(Wider):
        def counts(self, genotype, kind="training"):
            return Counts(1, 2)

    counted = Counted((4, 4, 1), 3)
    assert counted.candidate(genotype).counts == Counts(1, 2)


def test_unknown_names_are_told() -> None:
    genotype, size = PUBLISHED["enas"].genotype, ((8, 8, 1), 3, 0, 1)
    with pytest.raises(ArgumentError, match="one of training, evaluation, received"):
        count_network(genotype, *size, kind="trained")
    with pytest.raises(ArgumentError, match="layout: expected one of nao, enas"):
        count_network(genotype, *size, layout="nasnets")
