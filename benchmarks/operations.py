"""Counts the operations of a meta-gradient from its size.

Counted are the multiplications and additions of convolutions and dense layers, each
as one operation. Norms, activations, pooling and the weights' updates are left out.
"""

from __future__ import annotations

from typing import NamedTuple

from problem import CLASSES, LATENT_SIZE, Size


class _Passes(NamedTuple):
    """How often a layer's products are computed.

    A step does three for each layer: forward, and the gradients with respect to inputs
    and weights. Each is linear in two arguments, so that its derivative is two more.
    The learner's first layer has no gradient with respect to inputs, which are images.
    """

    first: int
    others: int

    def of(self, layers: list[int]) -> int:
        return self.first * layers[0] + self.others * sum(layers[1:])


_PLAIN = _Passes(2, 3)
_SECOND_ORDER = _Passes(4, 6)
_LATENTS_TOO = 3  # the generator's layers, all alike: latents have a gradient


def meta_gradient(size: Size, unroll: str) -> int:
    """Operations of one meta-gradient.

    Args:
        size: The problem's size, with the number of steps.
        unroll: gtn_tf's. `recompute` trains twice, and `lean` generates twice, too.

    Returns:
        Multiplications and additions.

    Example:

    >>> from problem import SIZES
    >>> keep, again = (meta_gradient(SIZES["small"], x) for x in ("keep", "recompute"))
    >>> f"{keep / 1e9:.1f} and {again / 1e9:.1f} GFLOP"
    '39.4 and 46.0 GFLOP'
    """
    images = size.steps * size.batch_size
    learner = learner_layers(size)
    trained = 2 if unroll in ("recompute", "lean") else 1
    step = trained * _PLAIN.of(learner) + _SECOND_ORDER.of(learner)
    generated = _LATENTS_TOO + (1 if unroll == "lean" else 0)
    generator = generated * sum(generator_layers(size))
    meta_loss = size.meta_batch * _PLAIN.of(learner)
    return 2 * (images * (step + generator) + meta_loss)


def learner_layers(size: Size) -> list[int]:
    """Multiplications of each of the learner's layers for one image, forward."""
    first, second = size.filters
    half = -(-size.pixels // 2)
    quarter = -(-half // 2)
    return [
        size.pixels**2 * 9 * first,
        half**2 * 9 * first * second,
        quarter**2 * second * size.units,
        size.units * CLASSES,
    ]


def generator_layers(size: Size) -> list[int]:
    """Multiplications of each of the generator's layers for one image, forward.

    A convolution after an upsampling is as `UpsampleConv2D` does it: a 2x2 kernel for
    each of four output pixels, at every corner of the small image's pixels.
    """
    width, filters = size.pixels // 4, size.generator_filters
    features = width**2 * 2 * filters
    return [
        (LATENT_SIZE + CLASSES) * size.generator_units,
        size.generator_units * features,
        (width + 1) ** 2 * 4 * 4 * 2 * filters * filters,
        (2 * width + 1) ** 2 * 4 * 4 * filters,
    ]
