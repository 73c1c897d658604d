"""One hyperparameter changes: which ones, how often, and what depends on it."""

from __future__ import annotations

import collections

import keras_tuner
import numpy as np
import pytest

from gtn_tf.search import NAOSpace, NASBench201Space
from gtn_tf.search.choices import draw_values, options
from gtn_tf.search.proposers.neighbours import are_neighbours, mutated, neighbours

RNG = np.random.default_rng


def hyperparameters(space) -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    space.genotype(hp)
    return hp


def various() -> keras_tuner.HyperParameters:
    """Every kind of hyperparameter, some of them under conditions."""
    hp = keras_tuner.HyperParameters()
    hp.Fixed("version", 3)
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
    hp.Int("units", 8, 64, step=2, sampling="log")
    kind = hp.Choice("kind", ["mlp", "cnn"])
    with hp.conditional_scope("kind", ["cnn"]):
        hp.Int("filters", 1, 3)
        hp.Boolean("deep")
        with hp.conditional_scope("deep", [True]):
            hp.Choice("depth", [3, 5, 7])
    assert kind == "mlp"
    return hp


def is_complete(space: keras_tuner.HyperParameters, values: dict) -> bool:
    """Whether exactly the active hyperparameters have values."""
    space.values = dict(values)
    return {*values} == {one.name for one in space.space if space.is_active(one)}


def changes(values: dict, others: dict) -> list[str]:
    assert {*values} == {*others}
    return [name for name in values if values[name] != others[name]]


def test_all_24_neighbours_of_a_cell_come_equally_often() -> None:
    space, rng = hyperparameters(NASBench201Space((8, 8, 1), 10)), RNG(0)
    cell = draw_values(space, rng)
    found = collections.Counter(
        tuple(mutated(space, cell, rng).items()) for _ in range(4800)
    )
    assert {*found} == {tuple(one.items()) for one in neighbours(space, cell)}
    assert len(found) == 24
    assert all(len(changes(cell, dict(one))) == 1 for one in found)
    # Binomial, 200 expected of each: five standard deviations.
    assert all(
        abs(count - 200) < 5 * np.sqrt(200 * 23 / 24) for count in found.values()
    )


def test_a_mutation_of_nao_is_of_a_cell_a_node_a_branch_and_an_input_or_operation():
    space, rng = hyperparameters(NAOSpace((8, 8, 1), 10)), RNG(0)
    genotype = draw_values(space, rng)
    found = collections.Counter()
    for _ in range(4000):
        (name,) = changes(genotype, mutated(space, genotype, rng))
        found[name] += 1
    assert len(found) == 2 * 5 * 2 * 2
    assert all(abs(count - 100) < 5 * np.sqrt(100) for count in found.values())


def test_hyperparameters_of_every_kind_change() -> None:
    space, rng = various(), RNG(0)
    values, seen = draw_values(space, rng), collections.defaultdict(set)
    for _ in range(1000):
        child = mutated(space, values, rng)
        assert is_complete(space, child) and are_neighbours(values, child)
        values = child
        for name, value in values.items():
            seen[name].add(value)
    assert len(seen["rate"]) > 100 and all(1e-4 <= x <= 1e-1 for x in seen.pop("rate"))
    assert seen == {
        "version": {3},
        "units": {8, 16, 32, 64},
        "kind": {"mlp", "cnn"},
        "filters": {1, 2, 3},
        "deep": {False, True},
        "depth": {3, 5, 7},
    }


def test_neighbours_have_what_is_active() -> None:
    space = various()
    values = {"version": 3, "rate": 0.01, "units": 16, "kind": "mlp"}
    around = neighbours(space, values)
    assert all(is_complete(space, one) for one in around)
    assert len(around) == 10 + 3 + 1  # ten rates, other units, the other kind
    (cnn,) = (one for one in around if one["kind"] == "cnn")
    assert cnn == {**values, "kind": "cnn", "filters": 1, "deep": False}
    assert not are_neighbours({**values, "units": 8}, cnn)


def test_a_value_that_came_late_has_its_default() -> None:
    space = various()
    around = neighbours(space, {"version": 3, "rate": 0.01, "kind": "mlp"})
    assert {one["units"] for one in around} == {8, 16, 32, 64}


def test_what_cannot_change_stays() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Fixed("a", 1)
    hp.Choice("b", [2])
    assert mutated(hp, {"a": 1, "b": 2}, RNG(0)) == {"a": 1, "b": 2}
    assert neighbours(hp, {"a": 1, "b": 2}) == []


@pytest.mark.parametrize("seed", range(3))
def test_options_are_what_keras_tuner_draws(seed) -> None:
    for one in various().space:
        drawn = {one.random_sample(seed=seed * 100 + n) for n in range(100)}
        if one.name == "rate":
            assert len(options(one)) == 10
        else:
            assert drawn == {*options(one)}
            assert {type(x) for x in drawn} == {type(x) for x in options(one)}
