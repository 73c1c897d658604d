"""`gtn_tf`, and a lower bound of the time of any exact meta-gradient in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import tensorflow as tf

import gtn_tf
from giving_up import COMPILE_LIMIT
from gtn_tf.inner import graph_rewrites_off, init_state, train
from job import Job
from problem import CLASSES, LATENT_SIZE, LEARNING_RATE, MOMENTUM, Arrays, Problem

_SEED = (0, 0)  # nothing here is random


def build(name: str, problem: Problem, unroll: str = "auto", jit: bool = False) -> Job:
    """Makes the job of `gtn_tf` or `first_order_limit`, with `jit` compiled by XLA."""
    tf.keras.backend.set_floatx(str(problem.images.dtype))
    gtn = make_gtn(problem, unroll)
    make = {"gtn_tf": _meta_gradient, "first_order_limit": _first_order}[name]
    compute, gradients = make(gtn, problem)
    function = tf.function(compute, jit_compile=jit or None)
    weights = [tf.constant(array) for array in problem.learner.values()]
    data = tf.constant(problem.images), tf.constant(problem.image_labels)
    seed = tf.constant(_SEED, tf.int32)

    def iterate() -> Sequence[tf.Tensor]:
        with graph_rewrites_off():
            return function(weights, data, seed)

    chosen = unroll if unroll == "lean" else gtn.unroll
    details = {"unroll": chosen} if name == "gtn_tf" else {}
    details |= {"compiler": "XLA"} if jit else {}
    limit = COMPILE_LIMIT if jit else None
    return Job(iterate, gradients, _packages(), limit=limit, details=details)


def make_gtn(problem: Problem, unroll: str = "auto") -> gtn_tf.GTN:
    """A `GTN` whose variables hold the problem's arrays."""
    size = problem.size
    generator = gtn_tf.Generator(
        (size.pixels, size.pixels, 1),
        CLASSES,
        LATENT_SIZE,
        size.generator_units,
        size.generator_filters,
    )
    # `lean` recomputes the generator's batches, too.
    lean = {"activation_bytes": 0} if unroll == "lean" else {}
    gtn = gtn_tf.GTN(
        gtn_tf.teachers.FullCurriculum(generator, size.steps, size.batch_size, **lean),
        gtn_tf.learners.ConvLearners(size.filters, [size.units]),
        gtn_tf.LearnedSGD(LEARNING_RATE, MOMENTUM, size.steps),
        unroll="recompute" if lean else unroll,
    )
    gtn.compile()
    for variable, array in zip(gtn.trainable_variables, problem.meta.values()):
        variable.assign(array)
    return gtn


def _meta_gradient(gtn: gtn_tf.GTN, problem: Problem) -> tuple[Any, Any]:
    def compute(
        weights: list[tf.Tensor], data: tuple[tf.Tensor, tf.Tensor], seed: tf.Tensor
    ) -> list[tf.Tensor]:
        variables = gtn.trainable_variables
        _, gradients = gtn.meta.gradient(0, weights, data, seed, variables)
        return gradients

    return compute, lambda outcome: _named(problem.meta, outcome)


def _first_order(gtn: gtn_tf.GTN, problem: Problem) -> tuple[Any, Any]:
    """The learner's training and the generator's backward pass, and nothing else.

    The images' gradient is arbitrary, so that neither part needs the other's result;
    both are returned, so that neither can be dropped.
    """
    size = problem.size
    shape = [size.steps, size.batch_size, size.pixels, size.pixels, 1]
    upstream = tf.constant(np.random.default_rng(1).normal(size=shape))
    upstream = tf.cast(upstream, problem.images.dtype)
    variables = gtn.teacher.trainable_variables

    def compute(
        weights: list[tf.Tensor], data: tuple[tf.Tensor, tf.Tensor], seed: tf.Tensor
    ) -> list[tf.Tensor]:
        del data  # no meta-loss
        with tf.GradientTape() as tape:
            inputs = gtn.meta.inner_inputs(seed)
        loop = gtn.meta.inner_loop(gtn.pool[0])
        state = train(loop, init_state(loop, weights), inputs)
        return [
            *tape.gradient(inputs.images, variables, upstream),
            *tf.nest.flatten(state.weights),
        ]

    def changes(outcome: Sequence[tf.Tensor]) -> Arrays:
        count = len(variables)
        learned = _vector(w.numpy() for w in outcome[count:])
        moved = learned - _vector(problem.learner.values())
        return {**_named(problem.meta, outcome[:count]), "learner": moved}

    return compute, changes


def _packages() -> tuple[str, ...]:
    """The packages of gtn_tf's stack."""
    if version("keras").startswith("2."):
        return ("tensorflow", "keras", "tensorflow-addons", "numpy")
    return ("tensorflow", "tf-keras", "numpy")


def _named(arrays: Arrays, tensors: Sequence[tf.Tensor]) -> Arrays:
    return {name: tensor.numpy() for name, tensor in zip(arrays, tensors)}


def _vector(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([array.ravel() for array in arrays])
