"""A candidate operation: a few layers as a pure function of one vector of weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.fresh_weights import fresh_weights
from gtn_tf.functional import PureModel
from gtn_tf.relus import agreements, relu_outputs
from gtn_tf.supernet.vjp import Passes, passes_of

Channels = Any  # an integer, an integer scalar, or None


class Operation:
    """Layers on one input, whose weights are the first elements of a vector.

    Args:
        kind: What it does, whatever its sizes.
        build: Applies the layers to a Keras tensor.
        shape: `(h, w, channels)` of the input.
        any_channels: Whether the input may have fewer channels, unknown until the graph
            runs. Layers that read it then use smaller kernels.
    """

    def __init__(
        self,
        kind: Hashable,
        build: Callable[[tf.Tensor], tf.Tensor],
        shape: tuple[int, int, int],
        any_channels: bool = False,
    ) -> None:
        self.kind = kind

        def make() -> tf.keras.Model:
            inputs = tf.keras.layers.Input(shape)
            outputs = build(inputs)
            inside = relu_outputs(tf.keras.Model(inputs, outputs))
            return tf.keras.Model(inputs, (outputs, inside))

        model, variables = made_in_order(make)
        if any_channels:  # Keras would reject fewer channels
            for layer in (model, *model.submodules):
                if isinstance(layer, tf.keras.layers.Layer):
                    layer.input_spec = None
        self._model = PureModel(model)
        self._any_channels = any_channels
        self.shape = shape
        self.weights = [v for v in variables if v.trainable]
        self.statistics = [v for v in variables if not v.trainable]
        self._first_statistics = [v.numpy() for v in self.statistics]
        self.size = sum(v.shape.num_elements() for v in self.weights)
        self.statistics_size = sum(v.shape.num_elements() for v in self.statistics)
        self._order = _places(self._model.trainable, self.weights)
        self._statistics_order = _places(self._model.running, self.statistics)
        self._passes: dict[Any, Passes] = {}

    @property
    def momentum(self) -> float | None:
        """The momentum of its Keras batch norms, if any."""
        norms = tf.keras.layers.BatchNormalization
        layers = self._model.model.layers
        return next((one.momentum for one in layers if isinstance(one, norms)), None)

    def __call__(
        self,
        x: tf.Tensor,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        training: bool,
        clipnorm: float | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs the layers.

        Args:
            x: `[batch, h, w, c]`.
            weights: `[n]`, of which the first `size` are used.
            statistics: `[m]`, of which the first `statistics_size` are used.
            training: As for Keras.
            clipnorm: Maximum norm of the gradient of each weight tensor.

        Returns:
            The output, and the statistics after the call.
        """
        (y, _), after = self._run(x, weights, statistics, training, clipnorm)
        flat = [tf.zeros([0], statistics.dtype)] * len(after)
        for place, value in zip(self._statistics_order, after):
            flat[place] = tf.reshape(value, [-1])
        return y, tf.concat([*flat, statistics[self.statistics_size :]], 0)

    def agreements(
        self, x: tf.Tensor, weights: tf.Tensor, statistics: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs the layers in training, and compares the images' active ReLUs.

        Args:
            x: As for a call, and so are the others.
            weights: Likewise.
            statistics: Likewise.

        Returns:
            The output, and `[batch, batch]`, as `gtn_tf.relus.agreements` gives it.
        """
        (y, activations), _ = self._run(x, weights, statistics, training=True)
        return y, agreements(activations, x.shape[0])

    def _run(
        self,
        x: tf.Tensor,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        training: bool,
        clipnorm: float | None = None,
    ) -> tuple[Any, list[tf.Tensor]]:
        """Output and those of all ReLUs, and the statistics in Keras' order."""
        channels = tf.shape(x)[-1] if self._any_channels else None
        parts = self.split(weights, channels)
        if clipnorm is not None:
            parts = [_with_clipped_gradient(part, clipnorm) for part in parts]
        before = self.split_statistics(statistics)
        return self._model(
            [parts[i] for i in self._order],
            [before[i] for i in self._statistics_order],
            x,
            training,
        )

    def split(self, weights: tf.Tensor, channels: Channels = None) -> list[tf.Tensor]:
        """Splits a vector into the weights, in the order of creation.

        Args:
            weights: `[n]`.
            channels: Of the input, if variable.
        """
        return _split(weights, self.shapes(channels))

    def shapes(self, channels: Channels = None) -> list[Any]:
        """The shapes of the weights, in the order of creation.

        Args:
            channels: Of the input, if variable.
        """
        return [self._shape(v, channels) for v in self.weights]

    def split_statistics(self, statistics: tf.Tensor) -> list[tf.Tensor]:
        """Splits a vector into the statistics, in the order of creation.

        Args:
            statistics: `[m]`.
        """
        return _split(statistics, [v.shape for v in self.statistics])

    def join(self, weights: Sequence[tf.Tensor], size: int) -> tf.Tensor:
        """Concatenates weights to a vector, padded with zeros.

        Args:
            weights: In the order of creation.
            size: Of the vector.
        """
        if not weights:
            return tf.zeros([size], tf.keras.backend.floatx())
        flat = tf.concat([tf.reshape(w, [-1]) for w in weights], 0)
        return tf.ensure_shape(tf.pad(flat, [[0, size - tf.size(flat)]]), [size])

    def tensor_numbers(self, size: int, channels: Channels = None) -> tf.Tensor:
        """For each weight of a vector, the number of its tensor, in order of creation.

        The rest of the vector counts as part of the last.

        Args:
            size: Of the vector.
            channels: Of the input, if variable.
        """
        sizes = [math.prod(shape) for shape in self.shapes(channels)]
        if not sizes:
            return tf.zeros([size], tf.int32)
        numbers = tf.repeat(tf.range(len(sizes)), tf.stack(sizes))
        rest = [[0, size - tf.size(numbers)]]
        padded = tf.pad(numbers, rest, constant_values=len(sizes) - 1)
        return tf.ensure_shape(padded, [size])

    def fresh(self, seed: tf.Tensor, channels: Channels = None) -> list[tf.Tensor]:
        """Draws weights from the layers' initializers.

        Args:
            seed: int32 `[2]`.
            channels: Of the input, if variable.
        """
        drawn = fresh_weights(
            self._model.model, seed, lambda v: self._shape(v, channels)
        )
        return [drawn[self._order.index(i)] for i in range(len(drawn))]

    def fresh_statistics(self) -> list[tf.Tensor]:
        """The statistics before the first step."""
        return [tf.constant(value) for value in self._first_statistics]

    def passes(
        self,
        x: tf.Tensor,
        weights: tf.Tensor,
        statistics: tf.Tensor,
        training: bool,
        clipnorm: float | None,
        second_order: bool,
        inline: bool,
    ) -> Passes:
        """The passes of a call, traced once for each kind of inputs.

        Args:
            x: As for a call, and so are the others.
            weights: Likewise.
            statistics: Likewise.
            training: Likewise.
            clipnorm: Likewise.
            second_order: Whether the derivative is differentiated, too. The statistics
                then have derivatives as all else; without it they are constants.
            inline: As for `passes_of`.
        """
        shapes = [one.shape for one in (x, weights, statistics)]
        if self._any_channels:
            shapes[0] = shapes[0][:-1].concatenate([None])
        specs = [tf.TensorSpec(shape, weights.dtype) for shape in shapes]
        setting = training, clipnorm, second_order, inline
        key = *setting, *((str(spec.shape), spec.dtype) for spec in specs)
        if key not in self._passes:
            self._passes[key] = passes_of(
                lambda x, w, s: self(x, w, s, training, clipnorm),
                specs,
                self._output_spec(specs[0]),
                full=second_order,
                twice=second_order and training,
                inline=inline,
            )
        return self._passes[key]

    def _output_spec(self, x: tf.TensorSpec) -> tf.TensorSpec:
        shape = [x.shape[0], *self._model.model.outputs[0].shape[1:]]
        if self._any_channels and not self.weights:
            shape[-1] = None
        return tf.TensorSpec(shape, x.dtype)

    def _shape(self, variable: tf.Variable, channels: Channels) -> list[Any]:
        shape: list[Any] = variable.shape.as_list()
        if channels is not None and len(shape) > 1:
            shape[-2] = channels
        return shape


def made_in_order(
    make: Callable[[], tf.keras.Model],
) -> tuple[tf.keras.Model, list[tf.Variable]]:
    """Makes a network, and lists its floating-point variables in order of creation.

    A network's own order of layers depends on all of its wiring.

    Args:
        make: Makes the network.
    """
    made: list[tf.Variable] = []

    def keep(create: Callable[..., tf.Variable], **kwargs: Any) -> tf.Variable:
        made.append(create(**kwargs))
        return made[-1]

    with tf.variable_creator_scope(keep):
        model = make()
    return model, [v for v in made if v.dtype.is_floating]


def _with_clipped_gradient(x: tf.Tensor, clipnorm: float) -> tf.Tensor:
    """The identity, with a gradient clipped by norm as by Keras' `clipnorm`."""

    @tf.custom_gradient
    def run(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
        return tf.identity(x), lambda upstream: tf.clip_by_norm(upstream, clipnorm)

    return run(x)


def _places(
    variables: Sequence[tf.Variable], among: Sequence[tf.Variable]
) -> list[int]:
    refs = [one.ref() for one in among]
    return [refs.index(variable.ref()) for variable in variables]


def _split(vector: tf.Tensor, shapes: Sequence[Any]) -> list[tf.Tensor]:
    if not shapes:
        return []
    sizes = [math.prod(shape) for shape in shapes]
    parts = tf.split(vector, [*sizes, vector.shape[0] - sum(sizes)])
    return [tf.reshape(part, shape) for part, shape in zip(parts, shapes)]
