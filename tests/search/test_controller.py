"""The LSTM controller: its probabilities, its gradient, and what it learns."""

from __future__ import annotations

import itertools

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.search import (
    ControllerProposer,
    GTNOracle,
    History,
    Observation,
    RandomProposer,
    SearchError,
    simulate,
)
from gtn_tf.search.lstm_policy import DRAWS, LSTMPolicy
from gtn_tf.search.proposers import controller
from gtn_tf.search.sequence_network import log_probability
from gtn_tf.search.sequences import SequenceEncoding
from test_search import Stub, build, search_killed_at_any_write


def choices() -> keras_tuner.HyperParameters:
    """Five choices of 2, 3, 3, 2 and 3 values, of two kinds."""
    hp = keras_tuner.HyperParameters()
    for place, size in enumerate([2, 3, 3]):
        hp.Choice(f"input_{place}", list(range(size)))
    hp.Boolean("bias")
    hp.Choice("op", ["a", "b", "c"])
    return hp


ENCODING = SequenceEncoding(choices())
ALL = np.array(
    [*itertools.product(*(np.flatnonzero(row) for row in ENCODING.allowed))], np.int32
)


@pytest.fixture(scope="module")
def policy() -> LSTMPolicy:
    made = LSTMPolicy(ENCODING, 6, learning_rate=0.01, entropy=0.0, dtype="float64")
    made.reset(np.random.default_rng(0))
    return made


def test_probabilities_sum_to_one(policy) -> None:
    assert len(ALL) == 2 * 3 * 3 * 2 * 3
    total = tf.reduce_sum(tf.exp(policy.log_probabilities(ALL)))
    np.testing.assert_allclose(total, 1.0, rtol=1e-9)


def test_draws_have_these_probabilities(policy) -> None:
    seeds = np.random.default_rng(0).integers(2**31, size=[100, 5, 2], dtype=np.int32)
    drawn = np.concatenate([policy.sample(one).numpy() for one in seeds])
    assert len(drawn) == 100 * DRAWS
    assert (policy.sample(seeds[0]).numpy() == drawn[:DRAWS]).all()
    expected = tf.exp(policy.log_probabilities(ALL)).numpy()
    names = {tuple(one): number for number, one in enumerate(ALL.tolist())}
    counts = np.bincount([names[tuple(one)] for one in drawn.tolist()], minlength=108)
    # Chi-squared of 107 degrees of freedom: below 175 but for one in 30,000.
    assert (((counts - 6400 * expected) ** 2) / (6400 * expected)).sum() < 175


def test_at_first_ppos_gradient_is_that_of_reinforce(policy) -> None:
    tokens = ALL[::9]
    advantages = np.random.default_rng(1).normal(size=len(tokens))
    before = policy.log_probabilities(tokens)
    weights = policy.trainable_variables
    with tf.GradientTape(persistent=True) as tape:
        ppo = policy.objective(tokens, advantages, before)
        logs = log_probability(policy.log_softmaxes(tokens), tokens)
        reinforce = tf.reduce_mean(advantages * tf.reduce_sum(logs, 1))
    pairs = zip(tape.gradient(ppo, weights), tape.gradient(reinforce, weights))
    for ours, expected in pairs:
        ours, expected = tf.convert_to_tensor(ours), tf.convert_to_tensor(expected)
        np.testing.assert_allclose(ours, expected, atol=1e-12)
        assert np.abs(expected).max() > 1e-6


def test_what_went_too_far_has_no_gradient(policy) -> None:
    tokens, advantages = ALL[:2], np.array([1.0, -1.0])
    logs = policy.log_probabilities(tokens)
    # The first has become likelier by a half, the second less likely.
    before = logs - tf.math.log(tf.constant([1.5, 0.5], tf.float64))
    with tf.GradientTape() as tape:
        gain = policy.objective(tokens, advantages, before)
    np.testing.assert_allclose(gain, (1.2 - 0.8) / 2)
    gradient = tape.gradient(gain, policy.heads.kernel)
    assert np.abs(gradient).max() < 1e-12


def test_the_entropy_is_that_of_the_softmaxes() -> None:
    made = LSTMPolicy(ENCODING, 6, entropy=2.0, dtype="float64")
    for variable in made.trainable_variables:
        variable.assign(tf.zeros_like(variable))
    uniform = np.log([2, 3, 3, 2, 3]).sum()
    zero = np.zeros(3)
    found = made.objective(ALL[:3], zero, made.log_probabilities(ALL[:3]))
    np.testing.assert_allclose(found, 2.0 * uniform)


def planted(values) -> float:
    """The share of a hidden architecture's choices."""
    hidden = {"a0": 3, "a1": 1, "a2": 4, "a3": 1, "a4": 0, "a5": 2}
    return sum(values[name] == one for name, one in hidden.items()) / 6


def six_of_five() -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    for place in range(6):
        hp.Choice(f"a{place}", list(range(5)))
    return hp


@pytest.mark.slow
def test_it_finds_a_planted_optimum() -> None:
    method, found = ControllerProposer(), 0
    for seed in range(3):
        observations = simulate(method, six_of_five(), planted, 200, seed)
        scores = [one.score for one in observations]
        assert np.mean(scores[-40:]) > np.mean(scores[:40]) + 0.2
        found += max(scores) == 1.0
    assert found >= 2
    by_chance = simulate(RandomProposer(), six_of_five(), planted, 200)
    assert max(one.score for one in by_chance) < 1.0


def history(observations: list[Observation]) -> History:
    known = [one.values for one in observations]
    return History(
        tuple(observations), choices(), 3, lambda: None, lambda values: values in known
    )


def proposer() -> ControllerProposer:
    return ControllerProposer(batch_size=4, epochs=2, units=6)


def score(values) -> float:
    return float(sum(values[f"input_{place}"] for place in range(3)))


def trace_once(monkeypatch, encoding: SequenceEncoding) -> None:
    """All proposers get one policy, which each of them resets."""
    network = LSTMPolicy(encoding, 6, 3.5e-3)
    monkeypatch.setattr(controller, "LSTMPolicy", lambda *args: network)


def test_a_proposal_depends_only_on_the_history(monkeypatch) -> None:
    whole = proposer()
    observations = simulate(whole, choices(), score, 13, seed=3)
    trace_once(monkeypatch, ENCODING)
    for count in (3, 4, 9, 12):
        before = history(observations[:count])
        assert proposer().propose(before) == observations[count].values
        # Also of one that has learned what is no longer so, as of added ranks.
        assert whole.propose(before) == observations[count].values


def test_an_unfinished_candidate_delays_its_batch() -> None:
    observations = simulate(proposer(), choices(), score, 12)
    running = Observation(observations[5].hyperparameters, "RUNNING")
    known = [*observations[:5], running, *observations[6:]]
    assert len(proposer()._batches(known, ENCODING)) == 1
    failed = Observation(observations[5].hyperparameters, "FAILED")
    batches = proposer()._batches([*known[:5], failed, *known[6:]], ENCODING)
    assert len(batches) == 3
    assert batches[1][1][1] == min(one.score for one in observations[:5])
    assert len(proposer()._batches([failed] * 4, ENCODING)) == 1


def test_advantages_are_about_a_moving_average() -> None:
    made = ControllerProposer(batch_size=2, baseline=0.5)
    found = made._advantages([((), (1.0, 2.0)), ((), (4.0, 3.0))])
    expected = (1 / 8 + 2 / 4 + 4 / 2 + 3) / (1 / 8 + 1 / 4 + 1 / 2 + 1)
    spread = np.std([1, 2, 4, 3])
    np.testing.assert_allclose(found, (np.array([4, 3]) - expected) / spread, rtol=1e-6)
    assert (made._advantages([((), (7.0, 7.0))]) == 0).all()


def test_a_kill_at_any_write_changes_no_proposal(tmp_path, monkeypatch) -> None:
    hp = keras_tuner.HyperParameters()
    build(hp)
    trace_once(monkeypatch, SequenceEncoding(hp))

    def make(folder):
        method = ControllerProposer(batch_size=2, epochs=2, units=6)
        return Stub(folder, oracle=GTNOracle("val_accuracy", 4, 1, proposer=method))

    search_killed_at_any_write(tmp_path, monkeypatch, make, 30, every=6)


def test_bad_settings_and_spaces_are_errors(tmp_path) -> None:
    with pytest.raises(ArgumentError, match="units of at least 1, received 20, 0 and"):
        ControllerProposer(epochs=0)
    with pytest.raises(ArgumentError, match="baseline in .0, 1. and entropy"):
        ControllerProposer(baseline=1.0)
    tuner = Stub(tmp_path, oracle=GTNOracle("loss", proposer=ControllerProposer()))
    tuner.oracle.hyperparameters.Float("rate", 0.1, 0.9)
    with pytest.raises(
        SearchError, match="ControllerProposer failed: expected a space"
    ):
        tuner.search(verbose=0)
