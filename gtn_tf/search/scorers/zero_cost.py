"""Scores without training: sizes, synflow and NASWOT."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gtn_tf.precision import precision
from gtn_tf.search.candidate import Candidate, as_candidate
from gtn_tf.search.data import ScoringData
from gtn_tf.search.errors import ScoreError
from gtn_tf.search.scorers.base import Scorer

_RELUS = (tf.keras.layers.ReLU, tf.keras.layers.LeakyReLU, tf.keras.layers.PReLU)


class ParameterScorer(Scorer):
    """The number of trainable weights."""

    name = "params"

    def builds(self, candidate: Candidate, data: ScoringData) -> bool:
        return candidate.counts is None

    def __call__(self, candidate: Candidate, data: ScoringData, seed: int) -> float:
        candidate = as_candidate(candidate)
        if candidate.counts is not None:
            return float(candidate.counts.params)
        model = candidate()
        if not model.built:
            model(data.some_images(1), training=False)
        return float(sum(v.shape.num_elements() for v in model.trainable_variables))


class FlopScorer(Scorer):
    """Floating-point operations for one image, as TensorFlow's profiler counts them.

    A multiplication and an addition count as two; papers often count them as one.
    Convolutions, dense layers and pools are counted, Keras' batch norm is not.
    """

    name = "flops"

    def builds(self, candidate: Candidate, data: ScoringData) -> bool:
        return candidate.counts is None

    def __call__(self, candidate: Candidate, data: ScoringData, seed: int) -> float:
        candidate = as_candidate(candidate)
        if candidate.counts is not None:
            return float(candidate.counts.flops)
        model = candidate()
        image = data.some_images(1)
        model(image, training=False)
        run = tf.function(lambda x: model(x, training=False))
        graph = run.get_concrete_function(tf.TensorSpec(image.shape, image.dtype)).graph
        options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
        options["output"] = "none"
        profile = tf.compat.v1.profiler.profile(graph, options=options)
        return float(profile.total_float_ops)


class SynflowScorer(Scorer):
    """Synaptic flow (Tanaka et al. 2020, arXiv 2006.05467), its natural logarithm.

    The sum over all weights of |weight * gradient|, where the gradient is that of the
    summed outputs for an image of ones, with all weights replaced by their absolute
    values. In float64, since the sum overflows float32 in deep networks. A fresh batch
    norm in inference mode is the identity, as the method requires.
    """

    name = "synflow"

    def __call__(self, candidate: Candidate, data: ScoringData, seed: int) -> float:
        with precision("float64"):
            model = candidate()
            ones = tf.ones([1, *data.some_images(1).shape[1:]], tf.float64)
            model(ones, training=False)
            weights = model.trainable_variables
            for weight in weights:
                weight.assign(tf.abs(weight))
            with tf.GradientTape() as tape:
                total = tf.reduce_sum(model(ones, training=False))
            gradients = tape.gradient(total, weights)
        flows = [
            float(tf.reduce_sum(tf.abs(weight * gradient)))
            for weight, gradient in zip(weights, gradients)
            if gradient is not None
        ]
        return float(np.log(sum(flows)))


class NASWOTScorer(Scorer):
    """NASWOT (Mellor et al. 2021, arXiv 2006.04647): how images differ in active ReLUs.

    The binary code of an image says which ReLUs it activates; the score is the
    log-determinant of the kernel matrix of Hamming similarities of the codes.

    Args:
        images: Batch size.
    """

    name = "naswot"

    def __init__(self, images: int = 64) -> None:
        self.images = images

    def __call__(self, candidate: Candidate, data: ScoringData, seed: int) -> float:
        model = candidate()
        try:
            outputs = [layer.output for layer in model.layers if _is_relu(layer)]
            inside = tf.keras.Model(model.inputs, outputs)
        except (AttributeError, ValueError):
            outputs = []
        if not outputs:
            raise ScoreError(
                f"model {model.name!r}: expected a functional or Sequential model with "
                "ReLUs for naswot, received another"
            )
        images = data.some_images(self.images)
        agreements = np.zeros([len(images)] * 2)
        for activation in tf.nest.flatten(inside(images, training=True)):
            code = np.reshape(activation > 0, [len(images), -1]).astype(np.float64)
            agreements += code @ code.T + (1 - code) @ (1 - code).T
        sign, logarithm = np.linalg.slogdet(agreements)
        if sign <= 0:
            raise ScoreError("two images activate the very same ReLUs")
        return float(logarithm)


def _is_relu(layer: tf.keras.layers.Layer) -> bool:
    activation = getattr(layer, "activation", None)
    return isinstance(layer, _RELUS) or activation is tf.keras.activations.relu
