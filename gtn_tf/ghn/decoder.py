"""Weights of operations, predicted from their states."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from gtn_tf.ghn.parts import Parts
from gtn_tf.supernet.choice_block import ChoiceBlock
from gtn_tf.supernet.operation import Channels, Operation

_WIDEST = 64  # channels of the largest patch; wider layers repeat it
_BEHIND_RELU = math.sqrt(2)

Weights = Mapping[str, tf.Tensor]


class _Weight(NamedTuple):
    """A weight of an operation: what it is of which of its layers."""

    role: str  # Keras' name of it
    layer: int
    shape: tuple[int, ...]  # of a kernel whose input joins states, the part of one

    @property
    def fan_in(self) -> int:
        """Of a kernel."""
        last = -2 if self.role.startswith("depthwise") else -1
        return math.prod(self.shape[:last])


class Join(NamedTuple):
    """The input of a block that joins states, one behind the other.

    Args:
        states: `[inputs, state]`: of each that may be joined.
        rows: int32 `[channels]`: those that are there, of all their channels.
        channels: How many these are.
    """

    states: tf.Tensor
    rows: tf.Tensor
    channels: Channels


class Decoder:
    """Predicts the weights of all choice blocks of a super-network.

    A patch of the largest kernel is predicted for each layer of an operation; smaller
    kernels are the middle of it. A kernel whose input joins states consists of a part
    for each, which depends on that state, and not on its place among the others.
    Kernels are then normalised, and batch norms bounded, as in GHN-2 (Knyazev et al.
    2021, arXiv 2110.13100).

    Args:
        blocks: Of the super-network, each with the channels of a state if its input
            joins states, or `None`.
        parts: The weights of the decoder are added to it.
        state: Size of an operation's state.
        hidden: Units of the decoder.
    """

    def __init__(
        self,
        blocks: Iterable[tuple[ChoiceBlock, int | None]],
        parts: Parts,
        state: int,
        hidden: int,
    ) -> None:
        widths = {o: width for block, width in blocks for o in block.operations}
        self._weights = {o: (*_weights_of(o, width),) for o, width in widths.items()}
        found = [weight for each in self._weights.values() for weight in each]
        kernels = [w.shape for w in found if len(w.shape) == 4]
        self._pixels = max(max(shape[:2]) for shape in kernels)
        self._patch = min(_WIDEST, max(max(shape[2:]) for shape in kernels))
        (dense,) = [w.shape for w in found if _is_kernel(w.role) and len(w.shape) == 2]
        self._hidden = hidden
        layers = 1 + max(weight.layer for weight in found)
        parts.add("layer", [layers, state], gain=math.sqrt(layers))
        parts.add("patch/hidden", [state, self._pixels**2 * hidden])
        parts.add("patch/hidden_bias", [self._pixels**2 * hidden], gain=0)
        parts.add("patch/wider", [hidden, 2 * hidden], _BEHIND_RELU)
        parts.add("patch/wider_bias", [2 * hidden], gain=0)
        parts.add("patch/output", [2 * hidden, self._patch**2], _BEHIND_RELU)
        parts.add("vector/hidden", [state, hidden])
        parts.add("vector/hidden_bias", [hidden], gain=0)
        for role in ("gamma", "beta"):
            parts.add(f"vector/{role}", [hidden, self._patch], _BEHIND_RELU)
        parts.add("vector/bias", [hidden, dense[1]], _BEHIND_RELU)
        parts.add("classes", [2 * hidden, math.prod(dense)], _BEHIND_RELU)
        if any(width is not None for width in widths.values()):
            parts.add("joined", [state, state])

    def __call__(
        self,
        block: ChoiceBlock,
        states: tf.Tensor,
        picked: tf.Tensor,
        weights: Weights,
        join: Join | None = None,
    ) -> tf.Tensor:
        """The weights of some places that have the same block.

        Args:
            block: The block.
            states: `[places, state]`, of mean 0 and variance 1.
            picked: int32 `[places]`: the operation of each.
            weights: Of the decoder, by name.
            join: The input of a single place, if it joins states.

        Returns:
            `[places, size]`, as the block takes them; zeros for an operation without
            weights.
        """
        # Operations with the same weights, such as those without any, are decoded once.
        same = {self._weights[o]: o for o in block.operations}
        each = []
        for operation in same.values():
            flat = [tf.zeros([states.shape[0], 0], states.dtype)]
            for one in self.predict(operation, states, weights, join):
                flat.append(tf.reshape(one, [states.shape[0], -1]))
            whole = tf.concat(flat, 1)
            padded = tf.pad(whole, [[0, 0], [0, block.size - tf.shape(whole)[1]]])
            each.append(tf.ensure_shape(padded, [states.shape[0], block.size]))
        numbers = [[*same].index(self._weights[o]) for o in block.operations]
        chosen = tf.one_hot(tf.gather(numbers, picked), len(each), dtype=states.dtype)
        return tf.einsum("po,pos->ps", chosen, tf.stack(each, 1))

    def predict(
        self,
        operation: Operation,
        states: tf.Tensor,
        weights: Weights,
        join: Join | None = None,
    ) -> list[tf.Tensor]:
        """The weights of an operation in some places.

        Args:
            operation: The operation.
            states: As for a call, and so are the others.
            weights: Likewise.
            join: Likewise.

        Returns:
            In its own order, `[places, *shape]` each.
        """
        predicted: list[tf.Tensor] = []
        kernel = None
        for weight in self._weights[operation]:
            own = (states + weights["layer"][weight.layer]) / math.sqrt(2)
            if _is_kernel(weight.role):
                kernel = (
                    self._kernel(own, weight, weights)
                    if join is None
                    else self._joined_kernel(own, weight, weights, join)
                )
                predicted.append(kernel)
            elif weight.role == "g":  # weight normalisation that changes nothing
                assert kernel is not None
                axes = [*range(1, len(kernel.shape) - 1)]
                predicted.append(tf.sqrt(tf.reduce_sum(kernel**2, axes)))
            else:
                predicted.append(self._vector(own, weight, weights))
        return predicted

    def _joined_kernel(
        self, states: tf.Tensor, weight: _Weight, weights: Weights, join: Join
    ) -> tf.Tensor:
        """The parts of the states that are joined, one behind the other."""
        own = (states + tf.matmul(join.states, weights["joined"])) / math.sqrt(2)
        parts = self._kernel(own, weight, weights)
        *pixels, width, outputs = weight.shape
        # [inputs, *pixels, width, outputs]
        rank = len(pixels)
        order = [*range(1, 1 + rank), 0, 1 + rank, 2 + rank]
        whole = tf.reshape(tf.transpose(parts, order), [1, *pixels, -1, outputs])
        more = width / tf.cast(join.channels, states.dtype)  # of one state than of all
        return tf.gather(whole, join.rows, axis=1 + rank) * tf.sqrt(more)

    def _kernel(
        self, states: tf.Tensor, weight: _Weight, weights: Weights
    ) -> tf.Tensor:
        """A kernel whose outputs have the variance of its inputs, as He et al.'s."""
        shape = weight.shape
        places, pixels = states.shape[0], shape[:2] if len(shape) == 4 else (1, 1)
        hidden = tf.matmul(states, weights["patch/hidden"])
        hidden = tf.nn.relu(hidden + weights["patch/hidden_bias"])
        grid = [self._pixels, self._pixels, self._hidden]
        hidden = _middle(tf.reshape(hidden, [places, *grid]), pixels)
        wider = tf.matmul(hidden, weights["patch/wider"])
        wider = tf.nn.relu(wider + weights["patch/wider_bias"])
        if len(shape) == 2:
            found = tf.matmul(wider, weights["classes"])
        else:
            output = tf.reshape(weights["patch/output"], [-1, *[self._patch] * 2])
            output = _wide(_wide(output, 1, shape[2]), 2, shape[3])
            found = tf.tensordot(wider, output, 1)
        return tf.reshape(found, [places, *shape]) * math.sqrt(2 / weight.fan_in)

    def _vector(
        self, states: tf.Tensor, weight: _Weight, weights: Weights
    ) -> tf.Tensor:
        role, (size,) = weight.role, weight.shape
        hidden = tf.matmul(states, weights["vector/hidden"])
        hidden = tf.nn.relu(hidden + weights["vector/hidden_bias"])
        found = tf.matmul(hidden, _wide(weights[f"vector/{role}"], 1, size))
        return 2 * tf.sigmoid(0.5 * found) if role == "gamma" else tf.tanh(0.2 * found)


def _weights_of(operation: Operation, width: int | None) -> Iterator[_Weight]:
    """A layer has a kernel, and what follows until the next one."""
    layer = -1
    for variable, shape in zip(operation.weights, operation.shapes(width)):
        role = variable.name.partition(":")[0].rpartition("/")[2]
        layer += _is_kernel(role)
        yield _Weight(role, max(layer, 0), (*shape,))


def _is_kernel(role: str) -> bool:
    """Also that of a depthwise convolution."""
    return role.endswith("kernel")


def _middle(grid: tf.Tensor, pixels: Sequence[int]) -> tf.Tensor:
    """The middle pixels of `[places, h, w, c]`."""
    (h, w), (_, height, width, _) = pixels, grid.shape
    y, x = (height - h) // 2, (width - w) // 2
    return grid[:, y : y + h, x : x + w]


def _wide(tensor: tf.Tensor, axis: int, size: int) -> tf.Tensor:
    """The first elements along an axis, repeated if there are too few."""
    times = -(-size // tensor.shape[axis])
    if times > 1:
        tensor = tf.concat([tensor] * times, axis)
    return tf.gather(tensor, tf.range(size), axis=axis)
