"""The three gradients of the alphas, where they are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from gtn_tf.differentiable import (
    ALPHA_GRADIENTS,
    AlphaAdam,
    Alphas,
    finite_difference,
    first_order,
    second_order,
)

RATE, DECAY = 0.2, 0.1
RNG = np.random.default_rng(0)
MIXING = tf.constant(RNG.normal(size=[4, 3]))  # of alphas, into the weights' optimum
WEIGHTS, ALPHAS, TARGET = (tf.constant(RNG.normal(size=n)) for n in ([4], [3], [4]))


def quadratic(weights, alphas, batch):
    """Training: the weights to a mixture of the alphas. Validation: to a target."""
    aim = tf.linalg.matvec(MIXING, alphas) if batch == "training" else TARGET
    direct = 0.0 if batch == "training" else tf.reduce_sum(alphas**2) / 2
    return tf.reduce_sum((weights - aim) ** 2) / 2 + direct


def quartic(weights, alphas, batch):
    return quadratic(weights, alphas, batch) + tf.reduce_sum(
        weights**2 * tf.linalg.matvec(MIXING, alphas**2)
    )


def move(weights, gradient):
    return weights - RATE * (gradient + DECAY * weights)


GIVEN = WEIGHTS, ALPHAS, "training", "validation"


def test_a_quadratic_has_its_gradient_in_closed_form():
    after = WEIGHTS - RATE * (
        WEIGHTS - tf.linalg.matvec(MIXING, ALPHAS) + DECAY * WEIGHTS
    )
    through = RATE * tf.linalg.matvec(MIXING, after - TARGET, transpose_a=True)
    for name, find in ALPHA_GRADIENTS.items():
        loss, gradient = find(quadratic, move, *GIVEN)
        at = WEIGHTS if name == "first_order" else after
        assert float(loss) == pytest.approx(
            float(quadratic(at, ALPHAS, "validation")), rel=1e-12
        )
        expected = ALPHAS if name == "first_order" else ALPHAS + through
        np.testing.assert_allclose(gradient, expected, rtol=1e-9)


def test_the_second_order_is_that_of_the_composed_function():
    def composed(alphas):
        return second_order(quartic, move, WEIGHTS, alphas, *GIVEN[2:])[0]

    _, gradient = second_order(quartic, move, *GIVEN)
    np.testing.assert_allclose(gradient, five_point(composed, ALPHAS), rtol=1e-8)


def test_the_difference_comes_closer_with_a_smaller_step():
    _, exact = second_order(quartic, move, *GIVEN)
    errors = [
        np.linalg.norm(finite_difference(quartic, move, *GIVEN, length)[1] - exact)
        for length in (0.1, 0.01)
    ]
    # Its error is that of the third derivative.
    assert errors[1] == pytest.approx(errors[0] / 100, rel=0.05)
    assert errors[1] < 1e-3 * np.linalg.norm(exact)


def test_without_a_step_all_are_the_first_order():
    def stay(weights, gradient):
        return weights

    expected = first_order(quartic, stay, *GIVEN)
    for find in ALPHA_GRADIENTS.values():
        for found, value in zip(find(quartic, stay, *GIVEN), expected):
            np.testing.assert_allclose(found, value, rtol=1e-12)


@pytest.mark.parametrize("name", ["second_order", "finite_difference"])
def test_a_bilevel_problem_is_solved(name):
    """A first-order step finds no way to the target; one that looks ahead does."""

    def loss(weights, alphas, batch):
        target = tf.constant([2.0, -1.0], tf.float64)
        aim = alphas if batch == "training" else target
        return tf.reduce_sum((weights - aim) ** 2) / 2

    @tf.function(autograph=False)
    def step(weights, alphas):
        _, gradient = ALPHA_GRADIENTS[name](loss, move, weights, alphas, *GIVEN[2:])
        alphas -= gradient
        return move(weights, weights - alphas), alphas

    weights, alphas = tf.zeros([2], tf.float64), tf.zeros([2], tf.float64)
    for _ in range(400):
        weights, alphas = step(weights, alphas)
    np.testing.assert_allclose(weights, [2, -1], atol=1e-6)
    np.testing.assert_allclose(alphas, (1 + DECAY) * weights, atol=1e-6)
    away = tf.zeros([2], tf.float64), alphas, *GIVEN[2:]
    assert not first_order(loss, move, *away)[1].numpy().any()


def five_point(function, x, step=1e-3):
    """Differences of order 4, for each element of `x`."""
    found = []
    for place in np.eye(x.shape.num_elements()):
        side = step * tf.reshape(tf.constant(place, x.dtype), x.shape)
        near = function(x + side) - function(x - side)
        far = function(x + 2 * side) - function(x - 2 * side)
        found.append(float(8 * near - far) / (12 * step))
    return np.reshape(found, x.shape)


# The alphas themselves


def test_alphas_move_as_keras_moves_them():
    ours = Alphas([5] * 6, AlphaAdam(learning_rate=0.01, weight_decay=0.1), seed=3)
    theirs = tf.Variable(ours.values)
    optimizer = tf.keras.optimizers.Adam(0.01, beta_1=0.5, beta_2=0.999, epsilon=1e-8)
    for _ in range(4):
        gradient = tf.constant(RNG.normal(size=[6, 5]), tf.float32)
        ours.move(gradient)
        optimizer.apply_gradients([(gradient + 0.1 * theirs, theirs)])
        np.testing.assert_allclose(ours.values, theirs, atol=1e-6)


def test_the_largest_are_picked_and_of_equals_the_first():
    alphas = Alphas([5] * 6, AlphaAdam())
    assert alphas.entropy == pytest.approx(np.log(5), abs=1e-5)
    assert np.abs(alphas.values.numpy()).max() < 0.01
    rows = np.zeros([6, 5])
    rows[0, 3], rows[1, 1], rows[2, 0], rows[3, [2, 4]], rows[4, 4] = 1, 2, 1, 1, -1
    alphas.values.assign(rows)
    assert alphas.picked == [3, 1, 0, 2, 0, 0]
    np.testing.assert_allclose(tf.reduce_sum(alphas.mixture, 1), np.ones(6), rtol=1e-6)


def test_values_that_a_choice_does_not_have_are_never_picked_and_never_move():
    counts = [2, 5, 3]
    alphas = Alphas(counts, AlphaAdam(learning_rate=0.5, weight_decay=0.1), seed=1)
    there = np.arange(5) < np.array(counts)[:, None]
    assert alphas.entropy == pytest.approx(np.mean(np.log(counts)), abs=1e-5)
    for _ in range(3):
        with tf.GradientTape() as tape:
            # Down to less than the zeros of what is not there.
            total = tf.reduce_sum(tf.nn.softplus(alphas.logits(alphas.values) + 9.0))
        alphas.move(tape.gradient(total, alphas.values))
        values, mixture = alphas.values.numpy(), alphas.mixture.numpy()
        assert (values[there] != 0).all() and not values[~there].any()
        assert (mixture[there] > 0).all() and not mixture[~there].any()
    assert (alphas.values.numpy()[there] < 0).all()
    assert all(number < count for number, count in zip(alphas.picked, counts))
