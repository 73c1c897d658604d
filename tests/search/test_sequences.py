"""Architectures as sequences: what belongs together, and the way back."""

from __future__ import annotations

import keras_tuner
import numpy as np
import pytest

from gtn_tf.errors import ArgumentError
from gtn_tf.search import NAOSpace, NASBench201Space
from gtn_tf.search.sequences import SequenceEncoding

NAO = NAOSpace((8, 8, 1), 10)
SMALL = NAOSpace((8, 8, 1), 10, ops="small")
NB201 = NASBench201Space((8, 8, 1), 10)


def declared(space) -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    space.genotype(hp)
    return hp


@pytest.mark.parametrize(
    "space, length, vocabulary, group",
    [(NAO, 40, 6 + 11, 2), (SMALL, 40, 6 + 5, 2), (NB201, 6, 5, 1)],
)
def test_tokens_of_a_genotype_and_back(space, length, vocabulary, group) -> None:
    encoding = SequenceEncoding(declared(space))
    assert (encoding.length, encoding.vocabulary) == (length, vocabulary)
    assert encoding.group == group
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = space.values(space.sample(rng))
        tokens = encoding.tokens(values)
        assert encoding.allowed[np.arange(length), tokens].all()
        assert encoding.values(tokens) == values


def test_inputs_share_tokens_and_are_masked() -> None:
    encoding = SequenceEncoding(declared(NAO))
    sizes = encoding.allowed.sum(1).reshape([2, 5, 4])
    assert sizes[0].tolist() == sizes[1].tolist()
    assert sizes[0].tolist() == [[node, 11, node, 11] for node in range(2, 7)]
    inputs, ops = encoding.allowed[0::2].any(0), encoding.allowed[1::2].any(0)
    assert not (inputs & ops).any()


def test_branches_are_exchanged_and_the_architecture_is_the_same() -> None:
    encoding, rng = SequenceEncoding(declared(NAO)), np.random.default_rng(0)
    genotypes = [NAO.sample(rng) for _ in range(50)]
    tokens = np.stack([encoding.tokens(NAO.values(one)) for one in genotypes])
    exchanged = encoding.exchange(tokens, rng)
    changed = 0
    for before, after, genotype in zip(tokens, exchanged, genotypes):
        assert encoding.canonical(before) == encoding.canonical(after)
        hp = keras_tuner.HyperParameters()
        hp.values = encoding.values(after)
        other = NAO.genotype(hp)
        for cell in ("normal", "reduction"):
            pairs = zip(getattr(genotype, cell).nodes, getattr(other, cell).nodes)
            for (a, p, b, q), node in pairs:
                assert node in [(a, p, b, q), (b, q, a, p)]
                changed += node != (a, p, b, q)
    assert 150 < changed < 350  # of 500
    assert len({encoding.canonical(one) for one in tokens}) == 50
    plain = SequenceEncoding(declared(NB201))
    cells = rng.integers(5, size=[9, 6])
    assert (plain.exchange(cells, rng) == cells).all()


def test_true_and_one_are_different_kinds() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Boolean("a"), hp.Int("b", 0, 1), hp.Int("c", 0, 4), hp.Fixed("d", 7)
    encoding = SequenceEncoding(hp)
    assert encoding.allowed.sum(1).tolist() == [2, 2, 5, 1]
    assert encoding.vocabulary == 2 + 5 + 1
    values = {"a": True, "b": 1, "c": 3, "d": 7}
    assert encoding.values(encoding.tokens(values)) == values
    assert encoding.values(encoding.tokens({})) == hp.values


def test_what_has_no_tokens_is_refused() -> None:
    hp = keras_tuner.HyperParameters()
    with pytest.raises(ArgumentError, match="with hyperparameters, received none"):
        SequenceEncoding(hp)
    hp.Boolean("a")
    conditional = hp.copy()
    with conditional.conditional_scope("a", True):
        conditional.Int("b", 1, 3)
    with_float, too_many = hp.copy(), hp.copy()
    with_float.Float("rate", 0.1, 0.9)
    too_many.Int("b", 1, 10**9)
    for space in (conditional, with_float, too_many):
        with pytest.raises(ArgumentError, match="choices that do not depend"):
            SequenceEncoding(space)
