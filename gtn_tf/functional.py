"""Any Keras model as a pure function of its weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.weight_tensors import PackedTensors, Tensors


class PureNetwork(Protocol):
    """A network as a pure function of its weights, such as `PureModel`."""

    @property
    def running(self) -> Sequence[Any]:
        """The statistics of a fresh network."""

    def tensors(self) -> Tensors:
        """What the vector of weights is made of."""

    def pack(self, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Puts all weights into one vector."""

    def unpack(self, vector: tf.Tensor) -> list[tf.Tensor]:
        """Splits that vector into the weights."""

    def __call__(
        self,
        weights: Sequence[tf.Tensor],
        statistics: Sequence[tf.Tensor],
        inputs: tf.Tensor,
        training: bool,
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Gives the output, and the statistics after the call."""


Slots = list[tuple[dict[str, Any], str]]


class _Assignable:
    """A tensor in place of a variable, which keeps assigned values."""

    def __init__(self, value: tf.Tensor) -> None:
        self.value = value
        self.dtype = value.dtype
        self.shape = value.shape

    def assign(self, value: tf.Tensor, name: str | None = None) -> tf.Tensor:
        self.value = tf.convert_to_tensor(value)
        return self.value

    def assign_sub(self, delta: tf.Tensor, name: str | None = None) -> tf.Tensor:
        return self.assign(self.value - delta)


tf.register_tensor_conversion_function(
    _Assignable,
    lambda held, dtype=None, name=None, as_ref=False: held.value,
)


class PureModel:
    """A Keras model with weights and statistics as arguments and results.

    Layers read their variables through attributes. During a call those attributes hold
    the given tensors; what a layer assigns to a non-trainable variable (a running mean)
    is returned.

    Args:
        model: A built Keras model. Its layers must read each variable through
            a plain attribute, as all layers of Keras and gtn_tf do.

    Raises:
        ValueError: If the model is not built or a variable cannot be replaced.

    Example:

    >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=[2])])
    >>> pure = PureModel(model)
    >>> kernel, bias = tf.ones([2, 1]), tf.zeros([1])
    >>> logits, statistics = pure([kernel, bias], [], tf.ones([1, 2]), training=True)
    >>> logits.numpy().tolist()
    [[2.0]]
    """

    def __init__(self, model: tf.keras.Model) -> None:
        if not model.built:
            raise ArgumentError(
                f"expected a built Keras model, received {model.name!r} without "
                "weights; give its first layer an input shape or call it once"
            )
        self.model = model
        self.trainable = list(model.trainable_variables)
        # tfa keeps a bool variable in each wrapper that no call of ours reads.
        self.running = [v for v in model.non_trainable_variables if v.dtype.is_floating]
        self._trainable_slots = _slots(model, self.trainable)
        self._running_slots = _slots(model, self.running)

    def pack(self, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Puts all weights into one vector, which is faster to update than many.

        Args:
            weights: In the order of `model.trainable_variables`.

        Returns:
            `[size]`.
        """
        return tf.concat([tf.reshape(w, [-1]) for w in weights], axis=0)

    def unpack(self, vector: tf.Tensor) -> list[tf.Tensor]:
        """Splits the vector that `pack` made into the weights.

        Args:
            vector: `[size]`.

        Returns:
            The weights, in the order of `model.trainable_variables`.
        """
        shapes = [variable.shape for variable in self.trainable]
        parts = tf.split(vector, [shape.num_elements() for shape in shapes])
        return [tf.reshape(part, shape) for part, shape in zip(parts, shapes)]

    def tensors(self) -> PackedTensors:
        """What that vector is made of."""
        return PackedTensors.of_shapes([v.shape.as_list() for v in self.trainable])

    def __call__(
        self,
        weights: Sequence[tf.Tensor],
        statistics: Sequence[tf.Tensor],
        inputs: tf.Tensor,
        training: bool,
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Runs the model.

        Args:
            weights: In the order of `model.trainable_variables`.
            statistics: In the order of the model's floating-point
                non-trainable variables.
            inputs: The model's input batch.
            training: Keras' `training` argument.

        Returns:
            The model's output and the statistics after the call.
        """
        held = [_Assignable(value) for value in statistics]
        with _replaced(self._trainable_slots, weights):
            with _replaced(self._running_slots, held):
                outputs = self.model(inputs, training=training)
        return outputs, [tf.convert_to_tensor(one.value) for one in held]


def _slots(model: tf.keras.Model, variables: Sequence[tf.Variable]) -> list[Slots]:
    """For each variable, every (attributes, name) that reads it."""
    found: dict[Any, Slots] = {variable.ref(): [] for variable in variables}
    for module in (model, *model.submodules):
        for name, value in vars(module).items():
            if isinstance(value, tf.Variable) and value.ref() in found:
                found[value.ref()].append((vars(module), name))
    for variable in variables:
        if not found[variable.ref()]:
            raise ArgumentError(
                f"variable {variable.name!r} of {model.name!r} is not a plain "
                "attribute of a layer, so it cannot be replaced by a tensor"
            )
    return [found[variable.ref()] for variable in variables]


@contextlib.contextmanager
def _replaced(slots: Sequence[Slots], values: Sequence[Any]) -> Iterator[None]:
    """Replaces variables by values, and restores them at the end."""
    if len(slots) != len(values):
        raise ArgumentError(f"expected {len(slots)} tensors, received {len(values)}")
    before = [[attributes[name] for attributes, name in place] for place in slots]
    try:
        for place, value in zip(slots, values):
            for attributes, name in place:
                attributes[name] = value
        yield
    finally:
        for place, olds in zip(slots, before):
            for (attributes, name), old in zip(place, olds):
                attributes[name] = old
