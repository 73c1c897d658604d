"""Genotypes as numbers, and back."""

from __future__ import annotations

import numpy as np
import pytest

from gtn_tf.cells import OPS, OPS_201, Genotype, Genotype201
from gtn_tf.supernet.coding import choices, decode, encode

SPACES = {"nas_bench_201": (Genotype201, OPS_201), "nao": (Genotype, OPS["small"])}


@pytest.mark.parametrize("space", SPACES)
def test_numbers_are_those_of_their_genotype(space) -> None:
    kind, ops = SPACES[space]
    given = () if space == "nas_bench_201" else (ops,)
    counts, found = choices(space, ops), []
    for seed in range(200):
        genotype = kind.sample(np.random.default_rng(seed), *given)
        numbers = encode(genotype, space, ops)
        assert decode(numbers, space, ops) == genotype
        found.append(numbers)
    # As many as there are, and all of them are drawn.
    assert [len({*of_choice}) for of_choice in zip(*found)] == counts
    assert np.max(found, axis=0).tolist() == [count - 1 for count in counts]


def test_numbers_of_nao_are_those_of_its_papers() -> None:
    genotype = Genotype.sample(np.random.default_rng(1), OPS["large"])
    numbers = np.array(encode(genotype, "nao", OPS["large"]))
    numbers[1::2] += len(OPS["small"])  # whose operations come first
    assert numbers.tolist() == genotype.to_integers()
    assert choices("nao", OPS["large"])[:8] == [2, 11, 2, 11, 3, 11, 3, 11]
