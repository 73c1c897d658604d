"""A pool keeps its best architectures, and takes what a search method proposes."""

from __future__ import annotations

import numpy as np
import pytest

from gtn_tf.cells import Genotype, Genotype201
from gtn_tf.search import (
    History,
    NAOProposer,
    NAOSpace,
    NASBench201Space,
    Proposer,
    RandomProposer,
)
from gtn_tf.search.pool import Pools, best_first

SPACE = NASBench201Space((8, 8, 1), 10)
POOLS = Pools(SPACE)
HIDDEN = Genotype201.sample(np.random.default_rng(7))


class Seen(Proposer):
    """Keeps the histories that it sees."""

    def __init__(self) -> None:
        self.histories: list[History] = []

    def propose(self, history: History) -> dict[str, object] | None:
        self.histories.append(history)
        return history.draw()


def found(pool: np.ndarray) -> list[Genotype201]:
    return POOLS.genotypes(pool)


def likeness(genotype: Genotype201) -> float:
    """The share of edges with the operation of a hidden cell."""
    return float(np.mean([a == b for a, b in zip(genotype.ops, HIDDEN.ops)]))


def test_a_random_pool_is_of_different_connected_cells() -> None:
    pool = POOLS.random(300, np.random.default_rng(3))
    assert pool.shape == (300, 6) and pool.dtype == np.int32
    assert (pool == POOLS.random(300, np.random.default_rng(3))).all()
    assert len({*found(pool)}) == 300
    assert all(one.is_connected for one in found(pool))


def test_the_best_stay_and_the_worst_go() -> None:
    pool = POOLS.random(5, np.random.default_rng(0))
    scores = [0.2, np.nan, 0.9, 0.1, 0.5]
    assert best_first(scores).tolist() == [2, 4, 0, 3, 1]
    after = POOLS.renewed(pool, scores, 2, RandomProposer(), seed=4)
    assert after.shape == pool.shape and after.dtype == pool.dtype
    np.testing.assert_array_equal(after[:3], pool[[2, 4, 0]])
    assert not {*found(after[3:])} & {*found(pool)}
    assert len({*found(after)}) == 5
    again = POOLS.renewed(pool, scores, 2, RandomProposer(), seed=4)
    np.testing.assert_array_equal(again, after)
    other = POOLS.renewed(pool, scores, 2, RandomProposer(), seed=5)
    assert (other[:3] == after[:3]).all() and (other[3:] != after[3:]).any()


def test_a_method_sees_the_pool_as_a_search_that_has_scored_it() -> None:
    pool, method = POOLS.random(4, np.random.default_rng(0)), Seen()
    POOLS.renewed(pool, [0.1, np.inf, 0.3, 0.4], 3, method, seed=6)
    sizes = [len(one.observations) for one in method.histories]
    assert sizes == [4, 5, 6]
    last = method.histories[-1]
    assert [one.score for one in last.observations] == [0.1, None, 0.3, 0.4, None, None]
    statuses = [one.status for one in last.observations]
    assert statuses == [*("COMPLETED", "FAILED"), *["COMPLETED"] * 2, *["RUNNING"] * 2]
    assert last.seed == 6
    known = [SPACE.genotype(one.hyperparameters) for one in last.observations]
    assert known[:4] == found(pool)
    # What is in the pool, what was proposed, and what ignores the image.
    for genotype in [*known, Genotype201(["none"] * 6)]:
        assert last.is_tried(SPACE.values(genotype))
    assert not last.is_tried(SPACE.values(Genotype201(["skip_connect"] * 6)))


def test_a_cell_of_nao_with_exchanged_branches_is_no_new_one() -> None:
    space, method = NAOSpace((8, 8, 1), 10), Seen()
    pools = Pools(space)
    pool = pools.random(3, np.random.default_rng(0))
    assert pool.shape == (3, 40)
    pools.renewed(pool, [1.0, 2.0, 3.0], 1, method, seed=0)
    codes = np.array(pools.genotypes(pool)[0].to_integers()).reshape(20, 2)
    exchanged = Genotype.from_integers(codes[[1, 0, *range(2, 20)]].ravel().tolist())
    assert exchanged != pools.genotypes(pool)[0]
    assert method.histories[0].is_tried(space.values(exchanged))


@pytest.mark.slow
def test_what_nao_proposes_is_better_than_chance() -> None:
    pool, proposer = POOLS.random(40, np.random.default_rng(0)), NAOProposer(40, 20)
    fresh, likenesses = proposer.get_state(), []
    for seed in range(4):
        proposer.set_state(fresh)
        scores = [likeness(one) for one in found(pool)]
        pool = POOLS.renewed(pool, scores, 20, proposer, seed)
        likenesses += [likeness(one) for one in found(pool[20:])]
    assert len({*found(pool)}) == 40 and all(one.is_connected for one in found(pool))
    many = found(POOLS.random(1000, np.random.default_rng(1)))
    chance = np.mean([likeness(one) for one in many])
    error = np.sqrt(chance * (1 - chance) / (6 * len(likenesses)))
    assert np.mean(likenesses) > chance + 3 * error
