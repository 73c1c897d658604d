"""The convolution speed of this machine, an upper bound for meta-gradients."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from job import Job
from problem import Problem

_IMAGES, _PIXELS, _CHANNELS = 128, 28, 128

# Multiplications and additions of the one convolution.
OPERATIONS = 2 * _IMAGES * _PIXELS**2 * 9 * _CHANNELS**2


def build(name: str, problem: Problem) -> Job:
    """Makes the job of `convolution`, the same one for all problems."""
    del name, problem
    rng = np.random.default_rng(0)
    shape = [_IMAGES, _PIXELS, _PIXELS, _CHANNELS]
    images = tf.constant(rng.normal(size=shape), tf.float32)
    kernel = tf.constant(rng.normal(size=[3, 3, _CHANNELS, _CHANNELS]), tf.float32)

    @tf.function
    def convolve(images: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(images, kernel, strides=1, padding="SAME")

    return Job(
        lambda: convolve(images, kernel),
        lambda outcome: {"convolved": outcome[0].numpy()},
        ("tensorflow",),
        details={"operations": OPERATIONS},
    )
