"""gtn_tf's part of the agreement: networks of random weights, and their logits."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from ranking.agreement import IMAGES
from ranking.problem import SEED, SPACES, Setting, draw_cells, make_data
from ranking.run_gtn_tf import make_space

_Arrays = dict[str, np.ndarray]


def arrays(setting: Setting) -> _Arrays:
    """The arrays that gtn_tf's process saves.

    Args:
        setting: Sizes.
    """
    images = make_data(setting).validation_images[:IMAGES]
    found = {"images": images}
    for name in SPACES:
        space = make_space(name, setting)
        for number, text in enumerate(draw_cells(name, 1 + setting.candidates)):
            tf.keras.backend.clear_session()
            tf.keras.utils.set_random_seed(SEED)
            model = space.network(space.parse(text))
            draw_norms(model)
            one = dict(weights(model))
            one["logits"] = model(images, training=False).numpy()
            one["params"] = np.array(
                sum(v.shape.num_elements() for v in model.trainable_variables)
            )
            found |= {f"{name}/{number}/{key}": array for key, array in one.items()}
    return found


def draw_norms(model: tf.keras.Model) -> None:
    """Draws batch norms' weights, which are 0 or 1 at first and hide mistakes.

    Args:
        model: The network.
    """
    rng = np.random.default_rng(SEED)
    for layer in _of(model, tf.keras.layers.BatchNormalization):
        drawn = [rng.normal(size=weight.shape) for weight in layer.get_weights()]
        drawn = [0.1 * array for array in drawn]
        drawn[0] += 1  # gamma
        drawn[3] = np.exp(drawn[3])  # variance
        layer.set_weights(drawn)


def weights(model: tf.keras.Model) -> Iterator[tuple[str, np.ndarray]]:
    """All weights, in the order in which a network's layers are made.

    Args:
        model: The network.

    Yields:
        Names and arrays: `conv_0`, ..., `norm_0`, ... (gamma, beta, mean, variance),
        `dense_kernel`, `dense_bias`.
    """
    for number, layer in enumerate(_of(model, tf.keras.layers.Conv2D)):
        yield f"conv_{number}", layer.get_weights()[0]
    for number, layer in enumerate(_of(model, tf.keras.layers.BatchNormalization)):
        yield f"norm_{number}", np.stack(layer.get_weights())
    (dense,) = _of(model, tf.keras.layers.Dense)
    yield from zip(("dense_kernel", "dense_bias"), dense.get_weights())


def _of(model: tf.keras.Model, kind: type) -> list[tf.keras.layers.Layer]:
    """Layers of a kind, by Keras' numbers; the first has none."""
    found = [layer for layer in model.layers if isinstance(layer, kind)]
    return sorted(found, key=lambda one: int((re.findall(r"\d+$", one.name) or [0])[0]))
