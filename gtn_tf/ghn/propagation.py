"""Message passing along a graph of operations, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from gtn_tf.ghn.parts import Parts

Weights = Mapping[str, tf.Tensor]


def add_weights(parts: Parts, state: int) -> None:
    """Adds the weights of the messages and of the GRU.

    Args:
        parts: To add them to.
        state: Size of a state.
    """
    parts.add("message/hidden", [state, state])
    parts.add("message/hidden_bias", [state], gain=0)
    parts.add("message/output", [state, state], gain=math.sqrt(2))  # behind a ReLU
    parts.add("message/output_bias", [state], gain=0)
    parts.add("gru/message", [state, 3 * state])
    parts.add("gru/state", [state, 3 * state])
    parts.add("gru/bias", [3 * state], gain=0)


def propagate(
    states: tf.Tensor,
    reads: tf.Tensor,
    levels: Sequence[Sequence[int]],
    weights: Weights,
    passes: int,
) -> tf.Tensor:
    """Lets all operations know of each other (Zhang et al. 2019, arXiv 1810.05749).

    In a forward pass, an operation hears from those that it reads, once they have heard
    from theirs: `m = sum(MLP(h))`, `h = GRU(m, h)`. A backward pass is the same along
    the reversed edges.

    Args:
        states: `[n, state]`.
        reads: `[n, n]`, as `Graph` has it.
        levels: Numbers of the operations, each level behind all that it reads.
        weights: By name, from `add_weights`.
        passes: How many of each direction, in turn.

    Returns:
        `[n, state]`.
    """
    order = np.concatenate(levels)
    bounds = np.cumsum([0, *map(len, levels)])
    reads = tf.gather(tf.gather(reads, order), order, axis=1)
    sorted_states = tf.gather(states, order)
    each = [sorted_states[low:high] for low, high in zip(bounds, bounds[1:])]
    for _ in range(passes):
        each = _sweep(each, reads, bounds, weights)
        # Backward, the last level is the first, and what is read reads.
        backward = tf.transpose(tf.reverse(reads, [0, 1]))
        turned = [tf.reverse(one, [0]) for one in each[::-1]]
        turned = _sweep(turned, backward, bounds[-1] - bounds[::-1], weights)
        each = [tf.reverse(one, [0]) for one in turned[::-1]]
    return tf.gather(tf.concat(each, 0), np.argsort(order))


def _sweep(
    each: Sequence[tf.Tensor], reads: tf.Tensor, bounds: np.ndarray, weights: Weights
) -> list[tf.Tensor]:
    """A pass over the levels, in order."""
    done: list[tf.Tensor] = []
    messages = tf.zeros_like(each[0][:0])
    for low, high, states in zip(bounds, bounds[1:], each):
        heard = tf.matmul(reads[low:high, :low], messages)
        done.append(_gru(heard, states, weights))
        messages = tf.concat([messages, _message(done[-1], weights)], 0)
    return done


def _message(states: tf.Tensor, weights: Weights) -> tf.Tensor:
    hidden = tf.matmul(states, weights["message/hidden"])
    hidden = tf.nn.relu(hidden + weights["message/hidden_bias"])
    output = tf.matmul(hidden, weights["message/output"])
    return output + weights["message/output_bias"]


def _gru(heard: tf.Tensor, states: tf.Tensor, weights: Weights) -> tf.Tensor:
    given = tf.matmul(heard, weights["gru/message"]) + weights["gru/bias"]
    update, reset, new = tf.split(given, 3, -1)
    of_states = tf.matmul(states, weights["gru/state"])
    update_by, reset_by, new_by = tf.split(of_states, 3, -1)
    kept = tf.sigmoid(update + update_by)
    proposed = tf.tanh(new + tf.sigmoid(reset + reset_by) * new_by)
    return kept * states + (1 - kept) * proposed
