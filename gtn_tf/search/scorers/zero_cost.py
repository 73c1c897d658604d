"""Scores without training: sizes, synflow and NASWOT."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from gtn_tf.inner import graph_rewrites_off
from gtn_tf.precision import precision
from gtn_tf.relus import agreements, relu_outputs
from gtn_tf.search.candidate import Candidate, as_candidate
from gtn_tf.search.data import ScoringData
from gtn_tf.search.errors import ScoreError
from gtn_tf.search.scorers.base import Scorer
from gtn_tf.search.scorers.on_supernetwork import SupernetworkScorer, as_input
from gtn_tf.supernet import SuperNetwork

Traced = Callable[..., tf.Tensor]  # of a genotype, a seed and perhaps images


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


class SynflowScorer(SupernetworkScorer[Traced]):
    """Synaptic flow (Tanaka et al. 2020, arXiv 2006.05467), its natural logarithm.

    The sum over all weights of |weight * gradient|, where the gradient is that of the
    summed outputs for an image of ones, with all weights replaced by their absolute
    values. In float64, since the sum overflows float32 in deep networks. A fresh batch
    norm in inference mode is the identity, as the method requires.
    """

    name = "synflow"

    def __call__(self, candidate: Candidate, data: ScoringData, seed: int) -> float:
        candidate = as_candidate(candidate)
        network = self.supernetwork_of(candidate, data)
        if network is None:
            with precision("float64"):
                flow = _flow(candidate(), data.some_images(1).shape[1:])
        else:
            flow = _called(self.traced(network), network, candidate, seed)
        return float(np.log(flow))

    def trace(self, network: SuperNetwork) -> Traced:
        with precision("float64"):
            settings = {**network.settings, "image_shape": network.image_shape}
            double = SuperNetwork(**settings)

        @tf.function(autograph=False)
        def flow(genotype: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
            with precision("float64"):  # set while it is traced, not for each candidate
                return _flow_of(double, genotype, seed)

        return flow


def _flow_of(network: SuperNetwork, genotype: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    weights = tf.abs(network.fresh_weights(genotype, seed))
    before = network.fresh_statistics(genotype)
    ones = tf.ones([1, *network.image_shape], weights.dtype)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        outputs, _ = network(weights, before, ones, genotype, second_order=True)
        total = tf.reduce_sum(outputs)
    return tf.reduce_sum(tf.abs(weights * tape.gradient(total, weights)))


def _flow(model: tf.keras.Model, image_shape: tf.TensorShape) -> tf.Tensor:
    ones = tf.ones([1, *image_shape], tf.float64)
    model(ones, training=False)
    weights = model.trainable_variables
    for weight in weights:
        weight.assign(tf.abs(weight))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(ones, training=False))
    pairs = zip(weights, tape.gradient(total, weights))
    return tf.add_n([tf.reduce_sum(tf.abs(w * g)) for w, g in pairs if g is not None])


class NASWOTScorer(SupernetworkScorer[Traced]):
    """NASWOT (Mellor et al. 2021, arXiv 2006.04647): how images differ in active ReLUs.

    The binary code of an image says which ReLUs it activates; the score is the
    log-determinant of the kernel matrix of Hamming similarities of the codes.

    Args:
        images: Batch size.
    """

    name = "naswot"

    def __init__(self, images: int = 64) -> None:
        super().__init__()
        self.images = images

    def __call__(self, candidate: Candidate, data: ScoringData, seed: int) -> float:
        candidate = as_candidate(candidate)
        images = data.some_images(self.images)
        network = self.supernetwork_of(candidate, data)
        if network is None:
            kernel = _kernel(candidate(), images)
        else:
            images = as_input(images, network.image_shape)
            kernel = _called(self.traced(network), network, candidate, seed, images)
        sign, logarithm = np.linalg.slogdet(kernel)
        if sign <= 0:
            raise ScoreError("two images activate the very same ReLUs")
        return float(logarithm)

    def trace(self, network: SuperNetwork) -> Traced:
        @tf.function(autograph=False)
        def kernel(
            genotype: tf.Tensor, seed: tf.Tensor, images: tf.Tensor
        ) -> tf.Tensor:
            weights = network.fresh_weights(genotype, seed)
            before = network.fresh_statistics(genotype)
            return network.agreements(weights, before, images, genotype)

        return kernel


def _kernel(model: tf.keras.Model, images: tf.Tensor) -> tf.Tensor:
    try:
        outputs = relu_outputs(model)
        inside = tf.keras.Model(model.inputs, outputs)
    except (AttributeError, ValueError):
        outputs = []
    if not outputs:
        raise ScoreError(
            f"model {model.name!r}: expected a functional or Sequential model with "
            "ReLUs for naswot, received another"
        )
    return agreements(tf.nest.flatten(inside(images, training=True)), len(images))


def _called(
    traced: Traced,
    network: SuperNetwork,
    candidate: Candidate,
    seed: int,
    *more: tf.Tensor,
) -> tf.Tensor:
    """The result for a candidate with fresh weights."""
    key = tf.constant([seed % 2**31, 0])
    with graph_rewrites_off():
        return traced(network.encode(candidate.genotype), key, *more)
