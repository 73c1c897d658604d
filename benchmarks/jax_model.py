"""The generator and the learner in JAX, in the problem's layout."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from problem import CLASSES

Weights = dict[str, jax.Array]

_SLOPE = 0.1


def generator(q: Weights, latents: jax.Array, labels: jax.Array) -> jax.Array:
    """Images `[batch, h, w, 1]` of one step."""
    one_hot = jax.nn.one_hot(labels, CLASSES, dtype=latents.dtype)
    x = jnp.concatenate([latents, one_hot], axis=-1)
    x = _leaky(_batch_norm(q, "norm_1", x @ _kernel(q, "dense_1")))
    x = _leaky(_batch_norm(q, "norm_2", x @ _kernel(q, "dense_2")))
    kernel = _kernel(q, "conv_1")
    width = int((x.shape[1] // kernel.shape[2]) ** 0.5)
    x = x.reshape(-1, width, width, kernel.shape[2])
    x = _leaky(_batch_norm(q, "norm_3", _conv(_upsample(x), kernel, "VALID")))
    x = _conv(_upsample(x), _kernel(q, "conv_2"), "VALID") + q["conv_2/bias"]
    return 2 * jnp.tanh(x)


def learner(
    p: Weights, x: jax.Array, means: list[jax.Array] | None = None
) -> tuple[jax.Array, list[jax.Array]]:
    """Logits, and the mean that each batch norm subtracted.

    Args:
        p: Weights.
        x: Images.
        means: For evaluation, the means to subtract; otherwise those of the batch.
    """
    subtracted = []

    def norm(x: jax.Array, name: str) -> jax.Array:
        mean = means[len(subtracted)] if means else x.mean(tuple(range(x.ndim - 1)))
        subtracted.append(mean)
        return _leaky(x - mean + p[f"{name}/beta"])

    for i in ("1", "2"):
        x = _pool(_conv(x, _kernel(p, f"conv_{i}"), "SAME"))
        x = norm(x, f"norm_{i}")
    x = x.reshape(len(x), -1) @ _kernel(p, "dense_1") + p["dense_1/bias"]
    x = norm(x, "norm_3")
    return x @ _kernel(p, "dense_2") + p["dense_2/bias"], subtracted


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """The mean over a batch."""
    scores = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
    return -scores.mean()


def _kernel(weights: Weights, name: str) -> jax.Array:
    g, v = weights[f"{name}/g"], weights[f"{name}/v"]
    return v * (g * jax.lax.rsqrt((v**2).sum(tuple(range(v.ndim - 1)))))


def _batch_norm(q: Weights, name: str, x: jax.Array) -> jax.Array:
    axes = tuple(range(x.ndim - 1))
    scale = q[f"{name}/gamma"] * jax.lax.rsqrt(x.var(axes) + 1e-5)
    return (x - x.mean(axes)) * scale + q[f"{name}/beta"]


def _conv(x: jax.Array, kernel: jax.Array, padding: str) -> jax.Array:
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(
        x, kernel, (1, 1), padding, dimension_numbers=layout
    )


def _pool(x: jax.Array) -> jax.Array:
    return jax.lax.reduce_window(
        x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"
    )


def _upsample(x: jax.Array) -> jax.Array:
    x = jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2)
    return jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")


def _leaky(x: jax.Array) -> jax.Array:
    return jax.nn.leaky_relu(x, _SLOPE)
