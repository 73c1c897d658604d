"""The layers of cells as plain TensorFlow, to compare networks with.

Keras takes a second to make a network of cells and this takes none: the same wiring
runs on tensors, and each layer takes its weights from the front of a list of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from gtn_tf.cells import Genotype201
from gtn_tf.cells.composed import Blocks
from gtn_tf.cells.nas_bench_201 import stack_cells_201
from gtn_tf.cells.network import stack_cells

_DECAY = float(np.float32(1 - 0.9))  # as Keras rounds it


class PlainNetwork:
    """A stand-alone network of `gtn_tf.cells` as a function of vectors.

    Args:
        genotype: Of either space.
        num_classes: Number of logits.
        cells: N.
        filters: F.
        kind: `"training"` or `"evaluation"`.
    """

    def __init__(self, genotype, num_classes, cells, filters, kind):
        self._genotype = genotype
        self._settings = num_classes, cells, filters
        self._kind = kind

    def __call__(self, weights, statistics, images, training):
        """Gives the logits and the layers, which know the statistics afterwards."""
        blocks = PlainLayers(self._kind, weights, statistics, training)
        num_classes, *size = self._settings
        of_201 = isinstance(self._genotype, Genotype201)
        more = () if of_201 else ("nao",)
        stack = stack_cells_201 if of_201 else stack_cells
        x, _ = stack(
            self._genotype, images, *size, blocks, *more, lambda number: lambda x: x
        )
        logits = blocks.dense(blocks.pooled_features(x), num_classes)
        blocks.expect_all_taken()
        return logits, blocks


class PlainLayers(Blocks):
    """Layers that run at once; `kind` is as for `cell_network`."""

    def __init__(self, kind, weights, statistics, training):
        self._evaluation = kind == "evaluation"
        self._weights = weights
        self._statistics = statistics
        self._training = training
        self._read = 0
        self.taken = []  # weights, in the order in which the network makes them
        self.norms = []  # of each batch norm: its gamma, and statistics before, after

    def expect_all_taken(self):
        assert self._read == self._weights.shape[0]
        assert 2 * sum(len(g) for g, _, _ in self.norms) == len(self._statistics)

    def statistics_after(self, gradients=None):
        """The statistics; those of layers that do not lead to the loss stay.

        Args:
            gradients: With respect to `taken`.
        """
        none = [] if gradients is None else zip(self.taken, gradients)
        idle = {id(weight) for weight, gradient in none if gradient is None}
        return tf.concat(
            [before if id(g) in idle else after for g, before, after in self.norms], 0
        )

    def flat(self, gradients):
        """One vector of the gradients; zeros where there is none."""
        pairs = zip(self.taken, gradients)
        whole = [tf.zeros_like(w) if g is None else g for w, g in pairs]
        return tf.concat([tf.reshape(one, [-1]) for one in whole], 0)

    def _take(self, *shape):
        size = math.prod(shape)
        part = self._weights[self._read : self._read + size]
        self._read += size
        self.taken.append(tf.reshape(part, shape))
        return self.taken[-1]

    def input(self, image_shape):
        raise NotImplementedError

    def activation(self, x):
        return tf.nn.leaky_relu(x, 0.1) if self._evaluation else tf.nn.relu(x)

    def relu(self, x):
        return tf.nn.relu(x)

    def norm(self, x):
        size = x.shape[-1]
        gamma, beta = self._take(size), self._take(size)
        first = 2 * sum(len(g) for g, _, _ in self.norms)
        before = self._statistics[first : first + 2 * size]
        mean, variance = tf.split(before, 2)
        after = before
        if self._training:
            # Not tf.nn.moments, whose second derivative is wrong: it takes the mean for
            # a constant.
            mean = tf.reduce_mean(x, [0, 1, 2])
            variance = tf.reduce_mean((x - mean) ** 2, [0, 1, 2])
            n = math.prod(x.shape[:3])
            if self._evaluation:
                variance *= n / (n - 1)
                after = tf.concat([mean, variance], 0)
            else:
                after = before + _DECAY * (tf.concat([mean, variance], 0) - before)
        self.norms.append((gamma, before, after))
        return (x - mean) / tf.sqrt(variance + 1e-5) * gamma + beta

    def _normalized(self, kernel, g):
        axes = [*range(kernel.shape.rank - 1)]
        return kernel / tf.sqrt(tf.reduce_sum(kernel**2, axes)) * g

    def conv(self, x, filters, size, stride=1):
        size, stride = (
            (one, one) if isinstance(one, int) else one for one in (size, stride)
        )
        kernel = self._take(*size, x.shape[-1], filters)
        if self._evaluation:
            kernel = self._normalized(kernel, self._take(filters))
        return tf.nn.conv2d(x, kernel, stride, "SAME")

    def depthwise(self, x, size, stride=1):
        kernel = self._take(size, size, x.shape[-1], 1)
        return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")

    def depthwise_with_holes(self, x, size):
        raise NotImplementedError

    def dense(self, x, units):
        kernel, bias = self._take(x.shape[-1], units), self._take(units)
        if self._evaluation:
            kernel = self._normalized(kernel, self._take(units))
        return x @ kernel + bias

    def max_pool(self, x, size, stride):
        return tf.nn.max_pool2d(x, size, stride, "SAME")

    def average_pool(self, x, size, stride):
        if not self._evaluation:
            return tf.nn.avg_pool2d(x, size, stride, "SAME")
        around = [(size - 1) // 2, size // 2]
        x = tf.pad(x, [[0, 0], around, around, [0, 0]])
        return tf.nn.avg_pool2d(x, size, stride, "VALID")

    def halve(self, x):
        return tf.nn.avg_pool2d(x, 2, 2, "SAME")

    def subsample(self, x, stride):
        raise NotImplementedError

    def shift(self, x):
        return tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]])[:, 1:, 1:]

    def global_pool(self, x):
        return tf.reduce_mean(x, [1, 2])

    def add(self, xs: Sequence[tf.Tensor]):
        return tf.add_n(xs)

    def concatenate(self, xs):
        return tf.concat(xs, -1)

    def zeros(self, x):
        return 0 * x
