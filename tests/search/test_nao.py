"""NAO: its networks learn, its steps lead upwards, and a kill changes no proposal."""

from __future__ import annotations

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.search import (
    GTNOracle,
    History,
    NAOProposer,
    Observation,
    SearchError,
    simulate,
)
from gtn_tf.search.nao_network import NAONetwork, step
from gtn_tf.search.proposers import nao
from gtn_tf.search.sequences import SequenceEncoding
from test_search import Stub, build, search_killed_at_any_write
from test_sequences import NAO, declared


def small_cell() -> keras_tuner.HyperParameters:
    """A cell of two nodes, with the names of NAO's space."""
    hp = keras_tuner.HyperParameters()
    for node in (2, 3):
        for branch in ("a", "b"):
            hp.Choice(f"cell_{node}_input_{branch}", list(range(node)))
            hp.Choice(f"cell_{node}_op_{branch}", ["conv", "pool", "identity"])
    return hp


ENCODING = SequenceEncoding(small_cell())


def drawn(count: int, seed: int = 0) -> np.ndarray:
    """Different architectures."""
    rng, found = np.random.default_rng(seed), {}
    while len(found) < count:
        tokens = [rng.choice(np.flatnonzero(row)) for row in ENCODING.allowed]
        found.setdefault(ENCODING.canonical(np.array(tokens)), tokens)
    return np.array([*found.values()], np.int32)


def targets(tokens: np.ndarray) -> np.ndarray:
    """A score that is the same if branches are exchanged."""
    values = [ENCODING.values(one) for one in tokens]
    convs = [sum(v == "conv" for v in one.values()) for one in values]
    depth = [one["cell_3_input_a"] + one["cell_3_input_b"] for one in values]
    return 0.1 + (np.array(convs) + np.array(depth) / 4) / 6.25


@pytest.fixture(scope="module")
def trained() -> tuple[NAONetwork, np.ndarray]:
    """A network, and the 50 architectures that it was trained on."""
    network, tokens = NAONetwork(ENCODING), drawn(50)
    network.reset(np.random.default_rng(1))
    network.fit(tokens, targets(tokens), 400, np.random.default_rng(2))
    return network, tokens


@pytest.mark.slow
def test_it_overfits_fifty_cells(trained) -> None:
    network, tokens = trained
    states, _ = network.states_and_gradient(tokens)
    predicted, known = network.predict(states).numpy(), targets(tokens)
    above = known[:, None] > known + 1e-9
    for one in predicted:
        assert (one[:, None] > one)[above].mean() > 0.95
    assert (network.decode(states).numpy() == tokens).all()
    exchanged = ENCODING.exchange(tokens, np.random.default_rng(3))
    assert (exchanged != tokens).any()
    other = network.predict(network.states_and_gradient(exchanged)[0]).numpy()
    # Predictions have no scale of their own.
    assert np.abs(other - predicted).mean() < 0.02 * np.ptp(predicted)


def test_a_step_raises_the_prediction(trained) -> None:
    network, _ = trained
    states, gradient = network.states_and_gradient(drawn(100, seed=5))
    moved = step(states, gradient, 0.1)
    np.testing.assert_allclose(tf.norm(moved, axis=-1), 1.0, rtol=1e-5)
    raised = network.predict(moved) > network.predict(states)
    assert np.mean(raised) > 0.95


def test_the_gradient_is_that_of_finite_differences() -> None:
    network = NAONetwork(ENCODING, 2, 3, 5, dtype="float64")
    network.reset(np.random.default_rng(0))
    states, gradient = network.states_and_gradient(drawn(2))
    direction = np.random.default_rng(1).normal(size=states.shape)
    small = 1e-5 * direction
    found = (network.predict(states + small) - network.predict(states - small)) / 2e-5
    expected = tf.reduce_sum(gradient * direction, [2, 3])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.abs(expected).min() > 1e-4


def test_whatever_is_decoded_is_in_the_space() -> None:
    encoding = SequenceEncoding(declared(NAO))
    network, rng = NAONetwork(encoding, 2, units=8), np.random.default_rng(0)
    network.reset(rng)
    states = rng.normal(size=[2, 500, 20, 8]).astype(np.float32)
    tokens = network.decode(tf.nn.l2_normalize(states, -1)).numpy()
    texts = set()
    for one in tokens.reshape([1000, 40]):
        hp = keras_tuner.HyperParameters()
        hp.values = encoding.values(one)
        genotype = NAO.genotype(hp)
        texts.add(NAO.text(genotype))
        assert NAO.parse(NAO.text(genotype)) == genotype and NAO.has(genotype)
    assert len(texts) > 10


def test_the_decoder_knows_only_the_tokens_before() -> None:
    network, tokens = NAONetwork(ENCODING, 1, 3, 5), drawn(1)
    network.reset(np.random.default_rng(0))
    states, _ = network.states_and_gradient(tokens)
    logs = network.log_probabilities(states, tokens[None]).numpy()[0]
    np.testing.assert_allclose(np.exp(logs).sum(-1), 1.0, rtol=1e-5)
    assert (np.exp(logs[0])[~ENCODING.allowed] == 0).all()
    changed = tokens.copy()
    changed[0, 4:] = drawn(1, seed=9)[0, 4:]
    again = network.log_probabilities(states, changed[None]).numpy()[0]
    np.testing.assert_allclose(again[0, :5], logs[0, :5], rtol=1e-5)
    assert np.abs(again[0, 5:] - logs[0, 5:]).max() > 1e-3
    # Greedily, each token is the likeliest after those before it.
    greedy = network.decode(states)
    best = tf.argmax(network.log_probabilities(states, greedy), -1).numpy()
    assert (best == greedy.numpy()).all()


def score(values) -> float:
    return float(targets(ENCODING.tokens(values)[None])[0])


def proposer(**kwargs) -> NAOProposer:
    return NAOProposer(**{"seeds": 8, "round_size": 4, "steps": 5, **kwargs})


@pytest.mark.slow
def test_rounds_are_better_than_chance() -> None:
    found = simulate(NAOProposer(20, 10, steps=100), small_cell(), score, 40)
    scores = [one.score for one in found]
    assert np.mean(scores[20:]) > np.mean(scores[:20]) + 0.1
    tokens = [ENCODING.tokens(one.values) for one in found]
    assert len({one.tobytes() for one in tokens}) == 40
    seen = {ENCODING.canonical(one) for one in tokens[:20]}
    for one in tokens[20:]:  # a cell with exchanged branches is no new cell
        assert ENCODING.canonical(one) not in seen
        seen.add(ENCODING.canonical(one))


def history(observations: list[Observation]) -> History:
    known = [ENCODING.tokens(one.values).tolist() for one in observations]

    def is_tried(values) -> bool:
        return ENCODING.tokens(values).tolist() in known

    return History(tuple(observations), small_cell(), 3, lambda: None, is_tried)


def trace_once(monkeypatch, encoding: SequenceEncoding) -> None:
    """All proposers get one network, which each of their rounds resets."""
    network = NAONetwork(encoding, 2, 3, 5)
    monkeypatch.setattr(nao, "NAONetwork", lambda encoding: network)


@pytest.mark.slow
def test_a_proposal_depends_only_on_the_history(monkeypatch) -> None:
    trace_once(monkeypatch, ENCODING)
    seeds = simulate(proposer(), small_cell(), score, 8, seed=3)
    whole, observations = proposer(), list(seeds)
    for turn in range(6):
        if turn in (2, 4):  # the barrier: a candidate before the round is not scored
            last = observations[-1]
            running = Observation(last.hyperparameters, "RUNNING")
            early = whole.propose(history([*observations[:-1], running]))
            assert (early is None) == (turn == 4)
        tf.keras.backend.clear_session()  # as scorers do
        values = whole.propose(history(observations))
        assert values is not None
        assert proposer().propose(history(observations)) == values
        restored = proposer()
        restored.set_state(whole.get_state())
        assert restored.propose(history(observations)) == values
        hp = keras_tuner.HyperParameters()
        hp.values = dict(values)
        observations.append(Observation(hp, "COMPLETED", score(values)))


def test_failures_and_equal_scores_are_no_error(monkeypatch) -> None:
    trace_once(monkeypatch, ENCODING)
    seeds = simulate(proposer(), small_cell(), lambda values: 0.5, 8)
    assert proposer().propose(history(seeds)) is not None
    failed = [Observation(one.hyperparameters, "FAILED") for one in seeds]
    assert proposer().propose(history([*failed[:4], *seeds[4:]])) is not None
    assert proposer().propose(history(failed)) is None  # `draw` has none left


def test_a_kill_at_any_write_changes_no_proposal(tmp_path, monkeypatch) -> None:
    hp = keras_tuner.HyperParameters()
    build(hp)
    trace_once(monkeypatch, SequenceEncoding(hp))

    def make(folder):
        method = proposer(seeds=2, round_size=1, steps=1)
        return Stub(folder, oracle=GTNOracle("val_accuracy", 4, 1, proposer=method))

    search_killed_at_any_write(tmp_path, monkeypatch, make, 30, every=6)


def test_no_space_of_choices_is_an_error(tmp_path) -> None:
    class Continuous(Stub):
        def __init__(self, folder) -> None:
            super().__init__(folder, oracle=GTNOracle("loss", proposer=NAOProposer()))
            self.oracle.hyperparameters.Float("rate", 0.1, 0.9)

    with pytest.raises(SearchError, match="NAOProposer failed: expected a space of ch"):
        Continuous(tmp_path).search(verbose=0)
    with pytest.raises(ArgumentError, match="at least 1, received 0, 25, 10 and 200"):
        NAOProposer(seeds=0)
