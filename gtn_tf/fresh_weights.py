"""Fresh weights for a network, as a pure function of a seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.layers import WeightNormalization

Shape = Any  # of integers and, where only the graph knows them, integer scalars


def _own_shape(variable: tf.Variable) -> Shape:
    return variable.shape


def fresh_weights(
    model: tf.keras.Model,
    seed: tf.Tensor,
    shape_of: Callable[[tf.Variable], Shape] = _own_shape,
) -> list[tf.Tensor]:
    """Draws fresh weights for a network with its layers' initializers.

    Keras' initializers draw from a state or from a Python number; this draws the
    same distributions from a tensor, so that one traced graph gives every learner
    its own weights, and the same ones when a run is resumed.

    Args:
        model: A built Keras model.
        seed: int32 `[2]`.
        shape_of: The shape to draw for each variable, if not its own.

    Returns:
        One tensor for each of `model.trainable_variables`, in their order. Under
        weight normalization `g = ||V||`, so that a fresh layer equals a plain one.

    Raises:
        ValueError: If a layer's initializer has no stateless counterpart here.

    Example:

    >>> model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=[3])])
    >>> [w.shape.as_list() for w in fresh_weights(model, tf.constant([0, 1]))]
    [[3, 2], [2]]
    """
    wrappers = [m for m in model.submodules if isinstance(m, WeightNormalization)]
    direction_of = {wrapper.g.ref(): wrapper for wrapper in wrappers}
    owners = {
        variable.ref(): (layer, name)
        for layer in model.submodules
        if not isinstance(layer, WeightNormalization)
        for name, variable in vars(layer).items()
        if isinstance(variable, tf.Variable)
    }
    drawn: dict[Any, tf.Tensor] = {}
    for index, variable in enumerate(model.trainable_variables):
        if variable.ref() not in direction_of:
            layer, name = owners[variable.ref()]
            initializer = _initializer(layer, name)
            key = tf.random.experimental.stateless_fold_in(seed, index)
            drawn[variable.ref()] = _draw(
                initializer, variable, shape_of(variable), layer, key
            )
    for g, wrapper in direction_of.items():
        drawn[g] = wrapper.scale_of(drawn[wrapper.v.ref()])
    return [drawn[variable.ref()] for variable in model.trainable_variables]


def _initializer(layer: tf.keras.layers.Layer, name: str) -> Any:
    # Keras' naming convention, except DepthwiseConv2D's depthwise_kernel.
    names = f"{name}_initializer", f"{name.removesuffix('_kernel')}_initializer"
    return next((getattr(layer, n) for n in names if hasattr(layer, n)), None)


def _draw(
    initializer: Any,
    variable: tf.Variable,
    shape: Shape,
    layer: tf.keras.layers.Layer,
    seed: tf.Tensor,
) -> tf.Tensor:
    dtype = variable.dtype
    known = tf.keras.initializers
    if isinstance(initializer, (known.Zeros, known.Ones, known.Constant)):
        return tf.cast(initializer(shape, dtype), dtype)
    if isinstance(initializer, known.VarianceScaling):
        return _variance_scaling(initializer, shape, dtype, seed)
    raise ArgumentError(
        f"layer {layer.name!r}: expected {variable.name!r} to have an initializer of "
        "the VarianceScaling family (he, glorot, lecun), Zeros, Ones or Constant, "
        f"received {initializer!r}"
    )


def _variance_scaling(
    initializer: tf.keras.initializers.VarianceScaling,
    shape: Shape,
    dtype: tf.DType,
    seed: tf.Tensor,
) -> tf.Tensor:
    field = math.prod(shape[:-2])  # pixels of a kernel; 1 for a dense layer
    fan_in, fan_out = field * shape[-2], field * shape[-1]
    fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    fan = fans[initializer.mode]
    if tf.is_tensor(fan):
        stddev = tf.sqrt(initializer.scale / tf.maximum(tf.cast(fan, dtype), 1))
    else:
        stddev = math.sqrt(initializer.scale / max(1.0, fan))
    if initializer.distribution == "uniform":
        limit = math.sqrt(3) * stddev
        return tf.random.stateless_uniform(shape, seed, -limit, limit, dtype)
    if initializer.distribution == "untruncated_normal":
        return tf.random.stateless_normal(shape, seed, 0.0, stddev, dtype)
    # A normal truncated at two standard deviations keeps 0.8796 of its own.
    stddev = stddev / 0.87962566103423978
    return tf.random.stateless_truncated_normal(shape, seed, 0.0, stddev, dtype)
