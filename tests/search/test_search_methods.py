"""Search methods: their rules on histories made by hand, and what they find."""

from __future__ import annotations

import itertools
import json

import keras_tuner
import numpy as np
import pytest

from gtn_tf.config import ConfigError, SearchConfig, load_config
from gtn_tf.data import load
from gtn_tf.errors import ArgumentError
from gtn_tf.names import PROPOSERS
from gtn_tf.runs import make_space
from gtn_tf.runs.tuner import Scorers, make_tuner
from gtn_tf.search import (
    BayesianProposer,
    EvolutionProposer,
    GTNOracle,
    History,
    LocalSearchProposer,
    NAOSpace,
    NASBench201Space,
    Observation,
    RandomProposer,
    ReinforceProposer,
    simulate,
)
from gtn_tf.search.choices import draw_values
from gtn_tf.search.proposers.neighbours import are_neighbours
from test_neighbours import hyperparameters, is_complete, various
from test_search import Stub, search_killed_at_any_write, weights_of

CELLS = hyperparameters(NASBench201Space((8, 8, 1), 10))
# A few candidates at random, then the method's own.
SMALL = {
    "evolution": lambda: EvolutionProposer(population=2, sample=2),
    "reinforce": ReinforceProposer,
    "local": LocalSearchProposer,
}


def seen(values: dict, score: float | None, status: str = "COMPLETED") -> Observation:
    hp = keras_tuner.HyperParameters()
    hp.values = dict(values)
    return Observation(hp, status, score)


def history_of(*observations: Observation, space=CELLS, seed: int = 0) -> History:
    tried = [one.values for one in observations]
    rng = np.random.default_rng(99)
    draws = (draw_values(space, rng) for _ in itertools.count())
    return History(
        observations, space, seed, draws.__next__, lambda values: values in tried
    )


def cell(*ops: str) -> dict[str, str]:
    return dict(zip([one.name for one in CELLS.space], ops))


# No two of them are neighbours, nor have a neighbour in common.
FAR = [
    cell(*[op] * 6) for op in ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")
]


def share(space: keras_tuner.HyperParameters, seed: int):
    """The share of values that are those of a hidden architecture."""
    hidden = draw_values(space, np.random.default_rng(1000 + seed))
    return lambda values: np.mean([values[name] == hidden[name] for name in hidden])


def best_share(make, space, candidates: int, seeds: int) -> np.ndarray:
    return np.array(
        [
            max(
                one.score
                for one in simulate(make(), space, share(space, n), candidates, n)
            )
            for n in range(seeds)
        ]
    )


def test_the_best_is_forgotten_when_it_is_old() -> None:
    proposer = EvolutionProposer(population=3, sample=50)
    old, *others = [seen(one, score) for one, score in zip(FAR, (9.0, 1.0, 3.0, 2.0))]
    assert are_neighbours(FAR[0], proposer.propose(history_of(old, *others[:2])))
    assert are_neighbours(FAR[2], proposer.propose(history_of(old, *others)))


def test_age_is_counted_by_creation_and_failures_are_no_parents() -> None:
    proposer = EvolutionProposer(population=2, sample=50)
    running, failed = seen(FAR[2], None, "RUNNING"), seen(FAR[3], None, "FAILED")
    known = [seen(FAR[0], 1.0), running, failed]
    drawn = draw_values(CELLS, np.random.default_rng(99))
    assert proposer.propose(history_of(*known)) == drawn  # one scored of two
    known.append(seen(FAR[1], 0.5))
    assert are_neighbours(FAR[0], proposer.propose(history_of(*known)))
    # The running one is scored at last: now the first is the oldest of three.
    known[1] = seen(FAR[2], 0.7)
    assert are_neighbours(FAR[2], proposer.propose(history_of(*known)))


def test_a_parent_without_new_neighbours_has_grandchildren_then_strangers() -> None:
    hp = keras_tuner.HyperParameters()
    for name in "abc":
        hp.Boolean(name)
    every = [
        dict(zip("abc", bits)) for bits in itertools.product([False, True], repeat=3)
    ]
    first = [one for one in every if sum(one.values()) <= 1]
    proposer = EvolutionProposer(population=1, sample=1)
    known = [seen(one, 0.0) for one in first[1:]] + [seen(first[0], 1.0)]
    assert sum(proposer.propose(history_of(*known, space=hp)).values()) == 2
    left = {"a": True, "b": True, "c": True}
    near = [seen(one, 0.0) for one in every if one != left and any(one.values())]
    history = history_of(*near, seen(first[0], 1.0), space=hp)
    assert proposer.propose(history) in every  # `draw` of the oracle sees to new ones


def test_evolution_finds_a_planted_cell() -> None:
    found = best_share(EvolutionProposer, CELLS, 300, 20)
    assert np.sum(found == 1) >= 18  # 98% of many
    assert np.sum(best_share(RandomProposer, CELLS, 300, 20) == 1) <= 3  # 3%


def test_evolution_in_the_space_of_nao() -> None:
    space = hyperparameters(NAOSpace((8, 8, 1), 10))
    assert best_share(EvolutionProposer, space, 300, 4).mean() > 0.55  # .635 of many
    assert best_share(RandomProposer, space, 300, 4).mean() < 0.43  # .358


def test_reinforce_finds_a_planted_cell() -> None:
    assert np.sum(best_share(ReinforceProposer, CELLS, 150, 5) == 1) >= 4  # all of many


def test_local_search_climbs_without_a_detour() -> None:
    # 24 neighbours of each of at most six steps, with no local optimum on the way.
    assert np.all(best_share(LocalSearchProposer, CELLS, 1 + 24 * 6, 5) == 1)


def test_local_search_restarts_where_no_neighbour_is_better() -> None:
    flat = simulate(LocalSearchProposer(), CELLS, lambda values: 0.0, 52)
    start, *others = [one.values for one in flat]
    assert all(are_neighbours(start, one) for one in others[:24])
    assert not are_neighbours(start, others[24])
    assert all(are_neighbours(others[24], one) for one in others[25:49])


def test_local_search_waits_for_scores_that_decide() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", [1, 2, 3])
    start, proposer = seen({"a": 1}, 1.0), LocalSearchProposer()
    running = [seen({"a": 2}, None, "RUNNING"), seen({"a": 3}, None, "RUNNING")]
    assert proposer.propose(history_of(running[0], space=hp)) is None
    assert proposer.propose(history_of(start, running[0], space=hp)) == {"a": 3}
    assert proposer.propose(history_of(start, *running, space=hp)) is None
    failed = [seen(one.values, None, "FAILED") for one in running]
    assert proposer.propose(history_of(start, *failed, space=hp)) is not None


def test_local_search_keeps_its_climb_when_ranks_change() -> None:
    # Sums of ranks: a candidate's score changes with what comes after it.
    proposer, values = LocalSearchProposer(), []

    def propose(*scores: float) -> dict:
        known = [seen(one, score) for one, score in zip(values, scores)]
        values.append(dict(proposer.propose(history_of(*known))))
        return values[-1]

    start, first, second = propose(), propose(1.0), propose(1.0, 2.0)
    assert are_neighbours(first, second) and not are_neighbours(start, second)
    # The start is the best again; its neighbours come next, not those of the others.
    state = json.loads(json.dumps(proposer.get_state()))
    third = propose(3.0, 2.0, 1.0)
    assert are_neighbours(start, third) and third not in (first, second)
    proposer.set_state(state)
    values.pop()
    assert propose(3.0, 2.0, 1.0) == third


def test_local_search_finds_a_start_whose_state_was_lost() -> None:
    proposer, lost = LocalSearchProposer(), LocalSearchProposer()
    found = simulate(proposer, CELLS, lambda values: 0.0, 30)
    # Killed after the trial of the second start, before its state was saved.
    lost.set_state([0, 25])
    for count in (26, 27, 30):
        history = history_of(*found[:count])
        expected = are_neighbours(found[25].values, lost.propose(history))
        assert expected and lost.get_state() == [25, count + 1]


def test_a_simulated_failure_has_no_score() -> None:
    def score(values) -> float:
        return np.nan if values[CELLS.space[0].name] == "none" else 1.0

    found = simulate(RandomProposer(), CELLS, score, 40)
    failed = [one for one in found if one.values[CELLS.space[0].name] == "none"]
    assert len(found) == 40 and 0 < len(failed) < 40
    assert all(one.status == "FAILED" and one.score is None for one in failed)
    assert sum(one.score == 1.0 for one in found) == 40 - len(failed)
    # A method goes on, as after a failure of the oracle's.
    assert len(simulate(EvolutionProposer(2, 2), CELLS, score, 40)) == 40


def test_reinforce_learns_again_from_what_it_draws_again() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", [1, 2])
    hp.Choice("b", list(range(20)))
    # With a=1 far better, the policy prefers it before all of it was seen.
    found = simulate(ReinforceProposer(), hp, lambda v: float(v["a"] == 1), 20)
    assert sum(one.values["a"] == 1 for one in found) >= 14
    assert len(found) == 20


def test_reinforce_forgets_nothing_and_caches_only_what_holds() -> None:
    score = share(CELLS, 0)
    known = simulate(ReinforceProposer(), CELLS, score, 30)
    used = ReinforceProposer()
    for count in (10, 20, 30):
        used.propose(history_of(*known[:count]))
    changed = [*known[:5], seen(known[5].values, None, "FAILED"), *known[6:]]
    for these in (known, changed, known[:20]):
        fresh = ReinforceProposer().propose(history_of(*these))
        assert used.propose(history_of(*these)) == fresh


def test_reinforce_does_not_depend_on_the_scores_units() -> None:
    score = share(CELLS, 0)
    found = [
        [one.values for one in simulate(ReinforceProposer(), CELLS, f, 60, 3)]
        for f in (score, lambda values: 1e6 * score(values) - 7e5)
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize("name", sorted({*PROPOSERS} - {"nao", "controller"}))
def test_methods_search_any_hypermodel(name) -> None:
    space = various()
    proposer = PROPOSERS.load(name)()
    count = 14 if name == "bayesian" else 60

    def score(values) -> float:
        assert is_complete(space, values)
        return -abs(np.log10(values["rate"]) + 2) + values.get("depth", 0)

    found = simulate(proposer, space, score, count)
    assert len({frozenset(one.values.items()) for one in found}) == count
    again = simulate(PROPOSERS.load(name)(), space, score, count)
    assert [one.values for one in again] == [one.values for one in found]
    if name not in ("random", "bayesian"):
        last = np.mean([one.score for one in found[-10:]])
        assert last > np.mean([one.score for one in found[:10]]) + 1


def test_bayesian_optimization_finds_the_maximum_of_a_parabola() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Int("x", 0, 1000)
    proposer = BayesianProposer(num_initial_points=4)
    found = simulate(proposer, hp, lambda values: -((values["x"] - 700) ** 2), 6)
    assert min(abs(one.values["x"] - 700) for one in found[:4]) > 100
    assert min(abs(one.values["x"] - 700) for one in found[4:]) <= 20
    running = seen({"x": 3}, None, "RUNNING")
    failed = seen({"x": 4}, None, "FAILED")
    history = history_of(*found, running, failed, space=hp)
    assert not history.is_tried(proposer.propose(history))


@pytest.mark.parametrize("name", SMALL)
def test_a_kill_at_some_writes_changes_no_proposal(tmp_path, monkeypatch, name) -> None:
    def make(folder):
        oracle = GTNOracle(
            "val_accuracy", candidates=6, top_k=0, proposer=SMALL[name]()
        )
        return Stub(folder, oracle=oracle)

    search_killed_at_any_write(tmp_path, monkeypatch, make, 30, every=8)


@pytest.mark.parametrize("name", SMALL)
def test_two_workers_share_a_search(tmp_path, name) -> None:
    asked = GTNOracle("val_accuracy", candidates=9, top_k=0, proposer=SMALL[name]())
    oracle = Stub(tmp_path, oracle=asked).oracle
    ended = False
    for turn in itertools.count():
        assert turn < 100
        worker = "ab"[turn % 2]
        trial = oracle.create_trial(worker)
        ended = ended or trial.status == "STOPPED"
        other = oracle.ongoing_trials.get("ba"[turn % 2])
        if other is None:
            if ended:
                break
            continue  # the next worker starts beside this one
        values = other.hyperparameters.values
        size = weights_of(values["units"], values["bias"])
        oracle.update_trial(other.trial_id, {"weights": size, "seconds": 1.0})
        other.status = "COMPLETED"
        oracle.end_trial(other)
    scored = [trial.hyperparameters.values for trial in oracle.scored_trials()]
    assert len({(v["units"], v["bias"]) for v in scored}) == len(scored) == 9


@pytest.mark.parametrize(
    "kind, wrong",
    [
        (EvolutionProposer, {"population": 0}),
        (EvolutionProposer, {"sample": 0}),
        (ReinforceProposer, {"learning_rate": 0.0}),
        (ReinforceProposer, {"baseline": 1.0}),
        (ReinforceProposer, {"entropy": -1.0}),
        (BayesianProposer, {"alpha": 0.0}),
    ],
)
def test_settings_out_of_range(kind, wrong) -> None:
    with pytest.raises(ArgumentError, match=f"expected.* {[*wrong][0]}.*received"):
        kind(**wrong)


def test_a_configuration_chooses_the_method_and_its_settings(tmp_path) -> None:
    overrides = ["search.proposer=evolution", "search.population=7", "space.cells=0"]
    config = load_config("search_digits", overrides, SearchConfig)
    space = make_space(config.space, load("digits"))
    tuner = make_tuner(config, space, Scorers(["params"], []), tmp_path / "run")
    proposer = tuner.oracle.proposer
    assert type(proposer) is EvolutionProposer
    assert (proposer.population, proposer.sample) == (7, 5)


@pytest.mark.parametrize(
    "overrides, message",
    [
        (["search.proposer=evolutoin"], "did you mean evolution"),
        (
            ["search.population=7"],
            "search.population: expected its default, 20, beside",
        ),
        (["search.proposer=local", "search.entropy=1"], "search.entropy: expected its"),
        (
            ["search.proposer=evolution"],
            r"search.population: expected less than ranking.candidates \(12\), or all",
        ),
        (["search.proposer=nao", "ranking.candidates=50"], "search.seeds: expected le"),
        (
            ["ranking.scorer=supernet"],
            "ranking.supernet: expected a run directory of train-supernet, which the",
        ),
        (["ranking.ghn=runs/ghn"], "ranking.ghn: expected none, as ghn is not among"),
        (
            ["space.name=nas_bench_201", "space.ops=small"],
            "space.ops: expected its default, large, beside space.name=nas_bench_201",
        ),
    ],
)
def test_refused_settings(overrides, message) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config("search_digits", overrides, SearchConfig)
