"""The meta-gradient in JAX: a scan of recomputed steps, differentiated in two ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jax_model import Weights, cross_entropy, generator, learner
from job import Job
from problem import Arrays, Problem

# (weights, images, labels) -> the loss's gradient and the batch norms' means.
InnerGradient = Callable[[Weights, jax.Array, jax.Array], tuple[Weights, Any]]


def build(name: str, problem: Problem) -> Job:
    """Makes the job of `jax_remat` or `jax_mixed`."""
    if problem.images.dtype == np.float64:
        jax.config.update("jax_enable_x64", True)
    inner = {"jax_remat": _gradient, "jax_mixed": _mixed_mode()}[name]
    arrays = problem[1:]  # all but the size
    arguments = jax.tree.map(jnp.asarray, arrays)
    compiled: list[Any] = []

    def compile_ahead() -> None:
        function = jax.jit(jax.grad(_meta_loss), static_argnums=5)
        compiled.append(function.lower(*arguments, inner).compile())

    def iterate() -> Weights:
        return jax.block_until_ready(compiled[0](*arguments))

    def gradients(outcome: Weights) -> Arrays:
        return {name: np.asarray(array) for name, array in outcome.items()}

    return Job(iterate, gradients, ("jax", "jaxlib"), compile_ahead)


def _meta_loss(
    meta: Weights,
    fresh: Weights,
    labels: jax.Array,
    images: jax.Array,
    image_labels: jax.Array,
    inner_gradient: InnerGradient,
) -> jax.Array:
    def body(state: Any, lesson: Any) -> tuple[Any, None]:
        weights, velocity, _ = state
        latents, labels, learning_rate, momentum = lesson
        generated = generator(meta, latents, labels)
        slope, means = inner_gradient(weights, generated, labels)
        velocity = jax.tree.map(lambda v, g: momentum * v + g, velocity, slope)
        weights = jax.tree.map(lambda w, v: w - learning_rate * v, weights, velocity)
        return (weights, velocity, means), None

    rates = jnp.exp(meta["log_learning_rate"]), jnp.exp(meta["log_momentum"])
    unseen = [jnp.zeros_like(fresh[f"norm_{i}/beta"]) for i in (1, 2, 3)]
    state = fresh, jax.tree.map(jnp.zeros_like, fresh), unseen
    (weights, _, means), _ = jax.lax.scan(
        jax.checkpoint(body), state, (meta["latents"], labels, *rates)
    )
    logits, _ = learner(weights, images, means)
    return cross_entropy(logits, image_labels)


def _loss(weights: Weights, images: jax.Array, labels: jax.Array) -> Any:
    logits, means = learner(weights, images)
    return cross_entropy(logits, labels), means


def _gradient(weights: Weights, images: jax.Array, labels: jax.Array) -> Any:
    return jax.grad(_loss, has_aux=True)(weights, images, labels)


def _mixed_mode() -> InnerGradient:
    """The same with a backward pass that is forward over reverse.

    That pass needs the Hessian times `u` and the gradient of `<means, c>`. Both are
    the derivative by e, at 0, of the gradient of `loss(w + e u) + e <means, c>`.
    """

    def forward(weights: Weights, images: jax.Array, labels: jax.Array) -> Any:
        return _gradient(weights, images, labels), (weights, images, labels)

    def backward(kept: Any, upstream: Any) -> Any:
        weights, images, labels = kept
        u, c = upstream

        def loss(weights: Weights, images: jax.Array, e: jax.Array) -> jax.Array:
            value, means = _loss(weights, images, labels)
            return value + e * sum(jnp.vdot(m, one) for m, one in zip(means, c))

        def slope(weights: Weights, e: jax.Array) -> tuple[Weights, jax.Array]:
            return jax.grad(loss, (0, 1))(weights, images, e)

        zero, one = jnp.zeros((), images.dtype), jnp.ones((), images.dtype)
        _, (of_weights, of_images) = jax.jvp(slope, (weights, zero), (u, one))
        return of_weights, of_images, None

    inner = jax.custom_vjp(_gradient)
    inner.defvjp(forward, backward)
    return inner
