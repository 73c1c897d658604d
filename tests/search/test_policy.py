"""The policy's gradients against enumeration and finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from gtn_tf.search.proposers.policy import NOT_MADE, Policy

REWARDS = np.array([3.0, -1.0, 0.5, 2.0])


def policy_with(logits: np.ndarray, **kwargs) -> Policy:
    policy = Policy([logits.shape[1]] * len(logits), 0.1, **kwargs)
    policy.logits = logits
    return policy


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum()


def numeric(function, at: np.ndarray) -> np.ndarray:
    steps = 1e-5 * np.eye(len(at))
    return np.array([(function(at + s) - function(at - s)) / 2e-5 for s in steps])


@pytest.mark.parametrize("baseline", [0.0, 1.0, -40.0])
def test_the_expected_step_is_the_gradient_of_the_expected_reward(baseline) -> None:
    logits = np.array([[0.3, -1.0, 0.0, 2.0]])
    policy, p = policy_with(logits), softmax(logits[0])
    expected = sum(
        p[k] * (REWARDS[k] - baseline) * policy.score_gradient(np.array([k]))[0]
        for k in range(4)
    )
    exact = p * (REWARDS - p @ REWARDS)
    np.testing.assert_allclose(expected, exact, atol=1e-12)
    numerically = numeric(lambda x: softmax(x) @ REWARDS, logits[0])
    np.testing.assert_allclose(exact, numerically, atol=1e-8)


def test_the_mean_of_many_draws_is_the_gradient_too() -> None:
    logits = np.tile([0.3, -1.0, 0.0, 2.0], [1000, 1])  # a thousand draws at once
    policy, p = policy_with(logits), softmax(logits[0])
    rng, found = np.random.default_rng(0), []
    for _ in range(100):
        drawn = policy.sample(rng)
        found.append(REWARDS[drawn][:, None] * policy.score_gradient(drawn))
    found = np.concatenate(found)
    error = found.std(axis=0) / np.sqrt(len(found))
    exact = p * (REWARDS - p @ REWARDS)
    assert np.all(np.abs(found.mean(axis=0) - exact) < 4 * error)


def test_the_gradient_of_the_entropy() -> None:
    logits = np.array([0.3, -1.0, 0.0, 2.0])
    found = policy_with(logits[None]).entropy_gradient()[0]

    def entropy(x: np.ndarray) -> float:
        return -softmax(x) @ np.log(softmax(x))

    np.testing.assert_allclose(found, numeric(entropy, logits), atol=1e-8)


def test_choices_of_other_sizes_and_choices_not_made() -> None:
    policy, rng = Policy([2, 5, 1], 0.1, entropy=0.1), np.random.default_rng(0)
    for _ in range(200):
        drawn = policy.sample(rng)
        assert np.all(drawn < [2, 5, 1]) and np.all(drawn >= 0)
        policy.learn(np.array([drawn[0], NOT_MADE, drawn[2]]), float(drawn[0]))
    p = policy.probabilities()
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert p[0, 1] > 0.8 and p[0, 2:].sum() == 0
    np.testing.assert_allclose(p[1], 0.2)  # as at the start
    assert p[2, 0] == 1


def test_the_first_step_is_adams() -> None:
    policy = policy_with(np.zeros([1, 4]))
    policy.learn(np.array([2]), advantage=3.0)
    np.testing.assert_allclose(policy.logits, [[-0.1, -0.1, 0.1, -0.1]], rtol=1e-6)
