"""ENAS' controller, its update, and the search around it, mostly without networks."""

from __future__ import annotations

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.cells import OPS_201, Genotype201
from gtn_tf.enas import Controller, Enas, Reinforce
from gtn_tf.search import NAOSpace, NASBench201Space
from gtn_tf.search.sequences import SequenceEncoding
from gtn_tf.supernet import SGD, SharedScore

HIDDEN = Genotype201(
    [
        *("nor_conv_3x3", "skip_connect", "none"),
        *("nor_conv_1x1", "avg_pool_3x3", "nor_conv_3x3"),
    ]
)


def make(sizes, **settings) -> Controller:
    """A controller of some choices, with weights that are far from their start."""
    hp = keras_tuner.HyperParameters()
    for place, size in enumerate(sizes):
        hp.Choice(f"choice_{place}", list(range(size)))
    controller = Controller(SequenceEncoding(hp), Reinforce(units=5, **settings))
    rng = np.random.default_rng(1)
    for variable in controller.policy.trainable_variables:
        variable.assign(rng.normal(scale=0.7, size=variable.shape))
    return controller


def take_plain_steps(controller) -> None:
    """Makes an update move weights by their gradient, in place of Adam."""
    plain = tf.keras.optimizers.SGD(1.0)
    plain.build(controller.policy.trainable_variables)
    controller.policy.optimizer = plain


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def recorded(controller, tokens) -> tuple[np.ndarray, np.ndarray]:
    """The layer's logits and the softmax of each draw of a sequence, in NumPy."""
    policy = controller.policy
    embeddings, cell = policy.embed.embeddings.numpy(), policy.lstm.cell
    kernel, recurrent, bias = (w.numpy() for w in cell.trainable_variables)
    of_heads, bias_of_heads = (w.numpy() for w in policy.heads.trainable_variables)
    output = state = np.zeros(len(of_heads))
    every, softmaxes, before = [], [], policy.start
    for place, token in enumerate(tokens):
        x = embeddings[before] @ kernel + output @ recurrent + bias
        i, f, c, o = np.split(x, 4)
        state = sigmoid(f) * state + sigmoid(i) * np.tanh(c)
        output = sigmoid(o) * np.tanh(state)
        logits = output @ of_heads + bias_of_heads
        every.append(logits)
        limited = logits / policy.temperature
        if policy.logit_limit:
            limited = policy.logit_limit * np.tanh(limited)
        odds = np.exp(limited) * policy.encoding.allowed[place]
        softmaxes.append(odds / odds.sum())
        before = token
    return np.array(every), np.array(softmaxes)


LIMITS = [
    {"temperature": 1.0, "logit_limit": 0.0},
    {"temperature": 1.5, "logit_limit": 1.2},
]


# The controller


@pytest.mark.parametrize("limits", LIMITS)
def test_the_probability_is_the_product_of_the_softmaxes_drawn_from(limits) -> None:
    controller = make([3, 2, 3], **limits)
    tokens = controller.draw(400, np.random.default_rng(0))
    product, entropies = [], []
    for one in tokens:
        _, softmaxes = recorded(controller, one)
        product.append(softmaxes[np.arange(3), one].prod())
        entropies.append(-(softmaxes * np.log(np.maximum(softmaxes, 1e-30))).sum(1))
    found = np.exp(controller.policy.log_probabilities(tokens))
    np.testing.assert_allclose(found, product, rtol=1e-4)
    assert np.ptp(found) > 0.05
    assert controller.entropy(tokens) == pytest.approx(np.mean(entropies), rel=1e-4)
    averaged = controller.probabilities(tokens)
    shares = [np.bincount(of_place, minlength=3) / 400 for of_place in tokens.T]
    # Four standard deviations of a share of 400 draws.
    np.testing.assert_allclose(averaged, shares, atol=0.1)
    assert averaged[1, 2] == 0  # there is no such option


@pytest.mark.parametrize("limits", LIMITS)
def test_an_update_is_a_step_along_reinforce(limits) -> None:
    """Of a softmax p, with advantages A of the options a that were drawn:
    the mean of A (1_a - p)."""
    controller = make([4], entropy=0.0, **limits)
    take_plain_steps(controller)
    (logits,), (p,) = recorded(controller, [0])
    tokens, rewards = np.array([[2], [0], [2]], np.int32), np.array([0.9, 0.2, 0.4])
    weights = np.array([0.99**2, 0.99, 1.0])
    baseline = weights @ rewards / weights.sum()
    before = controller.policy.heads.bias.numpy()
    controller.learn(tokens, rewards)
    assert controller.baseline == pytest.approx(baseline)
    slope, limit = 1 / limits["temperature"], limits["logit_limit"]
    if limit:
        slope *= limit * (1 - np.tanh(logits / limits["temperature"]) ** 2)
    chosen = np.eye(4)[tokens[:, 0]]
    expected = slope * ((rewards - baseline)[:, None] * (chosen - p)).mean(0)
    moved = controller.policy.heads.bias.numpy() - before
    np.testing.assert_allclose(moved, expected, rtol=1e-3, atol=1e-6)
    # The next update goes on with the average.
    controller.learn(tokens[:1], np.array([0.5]))
    weights = np.array([0.99**3, 0.99**2, 0.99, 1.0])
    expected = weights @ [0.9, 0.2, 0.4, 0.5] / weights.sum()
    assert controller.baseline == pytest.approx(expected)


def test_its_expectation_is_the_gradient_of_the_expected_reward() -> None:
    """p (R - J), whatever the baseline is."""
    controller = make([4], entropy=0.0, **LIMITS[0])
    policy, rewards = controller.policy, np.array([0.3, 0.9, 0.1, 0.5])
    _, (p,) = recorded(controller, [0])
    tokens = np.arange(4, dtype=np.int32)[:, None]
    before = policy.log_probabilities(tokens)
    for baseline in (0.0, 0.4):
        with tf.GradientTape() as tape:
            weighted = tf.constant(4 * p * (rewards - baseline), tf.float32)
            gain = policy.objective(tokens, weighted, before)
        found = tape.gradient(gain, policy.heads.bias)
        np.testing.assert_allclose(found, p * (rewards - p @ rewards), atol=1e-6)


def test_no_reward_raises_the_entropy_alone() -> None:
    controller = make([4], entropy=0.5, **LIMITS[0])
    take_plain_steps(controller)
    _, (p,) = recorded(controller, [0])
    before = controller.policy.heads.bias.numpy()
    controller.learn(np.zeros([2, 1], np.int32), np.array([0.7, 0.7]))
    entropy = -(p * np.log(p)).sum()
    expected = -0.5 * p * (np.log(p) + entropy)
    moved = controller.policy.heads.bias.numpy() - before
    np.testing.assert_allclose(moved, expected, rtol=1e-3, atol=1e-6)


# The search


def make_search(seed=0, **settings) -> Enas:
    space = NASBench201Space((4, 4, 1), 3, cells=0, filters=1)
    return Enas(space, SGD(steps=10), Reinforce(**settings), seed)


@pytest.fixture(scope="module")
def batches():
    rng = np.random.default_rng(0)
    images = tf.constant(rng.normal(size=[6, 4, 4, 1]), tf.float32)
    return [(images, tf.constant([0, 1, 2] * 2))] * 20


def share_of_hidden(weights, code, batches) -> SharedScore:
    """In place of a network's score: how much of a cell is found."""
    share = np.mean([OPS_201[n] == op for n, op in zip(code.numpy(), HIDDEN.ops)])
    return SharedScore(1 - share, share)


def test_it_finds_a_planted_cell(batches) -> None:
    search = make_search(units=16)
    search._scores = share_of_hidden
    assert search.entropy > 0.99 * np.log(5)
    reward = search.train_controller(iter(batches), 20, learns=False).accuracy
    assert reward == pytest.approx(0.2, abs=0.15) and search.controller.baseline == 0
    rewards = [
        search.train_controller(iter(batches), 20, update).accuracy
        for update in range(300)
    ]
    # A limit of 2.5 leaves each edge at most 97.4%.
    assert 0.8 < np.mean(rewards[-30:]) < 0.98
    assert search.genotype == HIDDEN
    assert search.entropy < 0.8
    for of_edge, op in zip(search.probabilities.values(), HIDDEN.ops):
        assert of_edge[op] > 0.7 and sum(of_edge.values()) == pytest.approx(1.0, 1e-4)
    best = search.best(100, batches)
    assert best.genotype == HIDDEN and best.score == (0.0, 1.0)
    assert best.different < 100 and best.mean.accuracy > 0.8


def test_weights_learn_what_the_controller_draws(batches, monkeypatch) -> None:
    search, codes = make_search(), []

    def train(code, images, labels):
        codes.append(code.numpy().tolist())
        return tf.constant(len(codes), tf.float32)

    monkeypatch.setattr(search._path, "train", train)
    stream = iter(batches)
    assert search.train_weights(stream, 12) == pytest.approx(6.5)
    assert len(codes) == 12 and len([*stream]) == 8
    assert len({*map(tuple, codes)}) > 6
    first, again = codes, make_search()
    codes = []
    monkeypatch.setattr(again._path, "train", train)
    again.train_weights(iter(batches), 12)
    assert codes == first
    # Other steps have other draws, and so have other seeds.
    codes = []
    again.step.assign(12)
    again.train_weights(iter(batches), 12)
    assert codes != first


def test_rewards_are_accuracies_with_shared_weights(batches) -> None:
    search = make_search(seed=3)
    found = search.train_controller(iter(batches), 4)
    # Without cells, all architectures are one.
    code, weights = search._network.encode(HIDDEN), search.weights.read_value()
    expected = search._scores(weights, code, batches[:1])
    assert found == pytest.approx(expected)
    assert search.controller.baseline == pytest.approx(expected.accuracy)
    loss = search.train_weights(iter(batches), 1)
    assert loss == pytest.approx(expected.loss) and int(search.step) == 1


def test_of_equal_accuracies_the_smaller_loss_is_taken(batches) -> None:
    search = make_search()

    def score(weights, code, batches):
        return SharedScore(float(tf.reduce_sum(code)), 0.5)

    search._scores = score
    best = search.best(50, batches)
    drawn = search.controller.draw(50, search._rng(4))
    losses = [int(tf.reduce_sum(search._code(tokens))) for tokens in drawn]
    assert best.score.loss == min(losses)
    assert best.mean.loss == pytest.approx(np.mean(losses))


@pytest.mark.slow
def test_it_draws_architectures_of_nao(batches) -> None:
    space = NAOSpace((4, 4, 1), 3, cells=1, filters=1, ops="small")
    search = Enas(space, SGD(steps=10), Reinforce(units=8))
    found = search.train_controller(iter(batches), 2)
    assert 0 <= found.accuracy <= 1
    assert np.isfinite(search.train_weights(iter(batches), 2))
    assert space.has(search.best(3, batches[:1]).genotype)
