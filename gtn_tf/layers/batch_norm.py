"""The paper's batch norms, for `[..., batch, features]` and images.

Both normalize with the statistics of the batch in training and with running
statistics in evaluation. The paper's running momentum is 0: evaluation uses
the statistics of the last batch that the learner saw, and the meta-gradient
flows through them.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError


def batch_axes(x: tf.Tensor) -> list[int]:
    """Axes that a statistic is taken over: batch, and height and width if any.

    An axis before the batch holds independent batches, each with its own
    statistics: all steps of a curriculum pass through a generator at once.

    Args:
        x: `[..., batch, h, w, c]` with a rank of 4 or more, else
            `[..., batch, c]`.

    Returns:
        Negative axis numbers.
    """
    return [-4, -3, -2] if x.shape.rank >= 4 else [-2]


def centre(x: tf.Tensor, shift: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns `x - mean + shift`, and the mean over `batch_axes`.

    The gradient has the same form: for cotangents `u` of the result and `m` of the
    mean, it is `u - mean(u) + m / n`. So derivatives of any order take two passes over
    the tensor; those of a subtracted `reduce_mean` take five.

    Args:
        x: `[..., batch, h, w, c]` or `[..., batch, c]`.
        shift: `[c]`, or of the mean's shape.

    Returns:
        A tensor of the shape of `x`, and the mean with axes of length 1.
    """

    @tf.custom_gradient
    def run(x: tf.Tensor, shift: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Any]:
        mean = tf.reduce_mean(x, batch_axes(x), keepdims=True)
        n = _count(x, mean)

        def gradient(
            of_x: tf.Tensor, of_mean: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor]:
            of_x, mean_of_x = centre(of_x, of_mean / n)
            return of_x, _sum_to(n * mean_of_x, shift)

        return (x - (mean - shift), mean), gradient

    return run(x, shift)


def _mean_square(x: tf.Tensor) -> tf.Tensor:
    """The mean of `x ** 2` over `batch_axes`, whose gradient is one pass."""

    @tf.custom_gradient
    def run(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
        mean = tf.reduce_mean(tf.square(x), batch_axes(x), keepdims=True)
        n = _count(x, mean)
        return mean, lambda upstream: x * (2 / n * upstream)

    return run(x)


def _count(x: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
    """Number of values in each mean."""
    return tf.cast(tf.size(x) / tf.size(mean), x.dtype)


def _sum_to(x: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Sums over the axes along which `like` was broadcast."""
    if like.shape.rank == x.shape.rank:
        return x
    return tf.reduce_sum(tf.reshape(x, [-1, x.shape[-1]]), axis=0)


class _RunningStatistics(tf.keras.layers.Layer):
    """What both norms share: the update of running statistics."""

    def __init__(self, momentum: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= momentum < 1:
            raise ArgumentError(f"momentum must be in [0, 1), received {momentum}")
        self.momentum = momentum
        # Keras' naming convention; fresh learners are drawn by it.
        self.beta_initializer = tf.keras.initializers.Zeros()
        self.gamma_initializer = tf.keras.initializers.Ones()

    def _add_running(self, name: str, size: int, initializer: str) -> tf.Variable:
        return self.add_weight(name, [size], initializer=initializer, trainable=False)

    def _update(self, running: tf.Variable, batch_value: tf.Tensor) -> None:
        """Moves `running` toward the batch's value, averaged over batches."""
        size = batch_value.shape[-1]
        value = tf.reduce_mean(tf.reshape(batch_value, [-1, size]), axis=0)
        if self.momentum:
            old = tf.convert_to_tensor(running)
            value = self.momentum * old + (1 - self.momentum) * value
        running.assign(value)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum}


@tf.keras.utils.register_keras_serializable("gtn_tf")
class MeanOnlyBatchNorm(_RunningStatistics):
    """`x - mean + beta`: the learners' norm with weight normalization.

    Args:
        momentum: Share of the old running mean that is kept at each training
            call. Defaults to 0, the paper's value: the last batch's mean.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Example:

    >>> norm = MeanOnlyBatchNorm()
    >>> norm(tf.constant([[1.0], [3.0]]), training=True).numpy().ravel().tolist()
    [-1.0, 1.0]
    >>> norm(tf.constant([[2.0]]), training=False).numpy().ravel().tolist()
    [0.0]
    """

    def build(self, input_shape: tf.TensorShape) -> None:
        size = input_shape[-1]
        self.beta = self.add_weight("beta", [size], initializer=self.beta_initializer)
        self.moving_mean = self._add_running("moving_mean", size, "zeros")

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            return inputs - (tf.convert_to_tensor(self.moving_mean) - self.beta)
        outputs, mean = centre(inputs, self.beta)
        self._update(self.moving_mean, mean)
        return outputs


@tf.keras.utils.register_keras_serializable("gtn_tf")
class BatchNorm(_RunningStatistics):
    """`gamma * (x - mean) / std + beta`, for the generator and as the full variant.

    Args:
        momentum: As for `MeanOnlyBatchNorm`.
        epsilon: Added to the variance. Defaults to 1e-5.
        unbiased: Whether the variance is divided by `n - 1`, as in the
            paper's learners, and not by `n`, as in its generator.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Example:

    >>> norm = BatchNorm(epsilon=0.0)
    >>> norm(tf.constant([[1.0], [3.0]]), training=True).numpy().ravel().tolist()
    [-1.0, 1.0]
    """

    def __init__(
        self,
        momentum: float = 0.0,
        epsilon: float = 1e-5,
        unbiased: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(momentum, **kwargs)
        self.epsilon = epsilon
        self.unbiased = unbiased

    def build(self, input_shape: tf.TensorShape) -> None:
        size = input_shape[-1]
        self.gamma = self.add_weight(
            "gamma", [size], initializer=self.gamma_initializer
        )
        self.beta = self.add_weight("beta", [size], initializer=self.beta_initializer)
        self.moving_mean = self._add_running("moving_mean", size, "zeros")
        self.moving_variance = self._add_running("moving_variance", size, "ones")

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            variance = tf.convert_to_tensor(self.moving_variance)
            scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
            return (inputs - self.moving_mean) * scale + self.beta
        centred, mean = centre(inputs, tf.zeros_like(self.beta))
        variance = _mean_square(centred)
        if self.unbiased:
            n = _count(inputs, mean)
            variance *= n / (n - 1)
        self._update(self.moving_mean, mean)
        self._update(self.moving_variance, variance)
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return centred * scale + self.beta

    def get_config(self) -> dict[str, Any]:
        config = {"epsilon": self.epsilon, "unbiased": self.unbiased}
        return {**super().get_config(), **config}
