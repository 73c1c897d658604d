"""One random transformation for a whole batch: of lessons, and of real images."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from gtn_tf.data.augmentation import covered, moved, offset, pixel
from gtn_tf.errors import ArgumentError, shown
from gtn_tf.shapes import expect_pictures


@tf.keras.utils.register_keras_serializable("gtn_tf")
@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How lessons and real batches are augmented (DSA, Zhao & Bilen 2021).

    Each lesson gets a transformation, drawn anew, that is the same for all of its
    images. In meta-training, the real batch of the meta-loss gets that of the last
    lesson, and the gradient goes through to the lessons as they were before.

    Args:
        shift: Most pixels by which images move down or up and across; zeros, the mean
            colour, move in.
        mirror: Whether images are mirrored left to right with probability 1/2.
        cutout: Side of a square that is covered with zeros, in pixels. Its centre is
            any pixel.

    Raises:
        ArgumentError: If a setting is something else.

    Example:

    >>> augmentation = Augmentation(shift=1, mirror=True)
    >>> lessons, seed = tf.ones([3, 5, 8, 8, 1]), tf.constant([0, 1])
    >>> augmentation(lessons, seed, steps=tf.range(3)).shape
    TensorShape([3, 5, 8, 8, 1])
    """

    shift: int = 0
    mirror: bool = False
    cutout: int = 0

    def __post_init__(self) -> None:
        for name in ("shift", "cutout"):
            pixels = getattr(self, name)
            if type(pixels) is not int or pixels < 0:  # isinstance would let True pass
                raise ArgumentError(
                    f"augmentation.{name}: expected an integer of at least 0, in "
                    f"pixels, received {shown(pixels)}"
                )
        if not isinstance(self.mirror, bool):
            raise ArgumentError(
                "augmentation.mirror: expected true or false, received "
                f"{shown(self.mirror)}"
            )

    def check(self, image_shape: tuple[int, ...]) -> None:
        """Checks that images can be augmented so.

        Args:
            image_shape: `(height, width, channels)`, or `(features,)` of a table,
                which can only be left as it is.

        Raises:
            ArgumentError: If they are too small, or have no height or no width.
        """
        if not self.is_none:
            expect_pictures(image_shape, "augmentation", "leave it out")
        side = min(image_shape[:2])
        for name in ("shift", "mirror", "cutout"):
            received = getattr(self, name)
            if received >= side:  # mirror counts as one pixel
                largest = f"below {side}" if side > 1 else "none"
                raise ArgumentError(
                    f"augmentation.{name}: expected {largest} for images "
                    f"{list(image_shape)}, received {received}"
                )

    @property
    def is_none(self) -> bool:
        """Whether images stay as they are."""
        return not (self.shift or self.mirror or self.cutout)

    def __call__(
        self, images: tf.Tensor, seed: tf.Tensor, steps: tf.Tensor
    ) -> tf.Tensor:
        """Augments batches; a pure function, with derivatives of any order.

        Args:
            images: `[n, batch, h, w, c]`, normalised.
            seed: int32 `[2]`.
            steps: Integers `[n]`: the step of each batch. A batch's transformation is
                a function of the seed and its step.

        Returns:
            `[n, batch, h, w, c]`.
        """
        if self.is_none:
            return images
        images = tf.convert_to_tensor(images)
        drawn = _uniform(seed, tf.cast(steps, tf.int32))
        drawn = tf.ensure_shape(drawn, [images.shape[0], 5])
        down, across, mirror, *centre = tf.unstack(drawn, axis=1)
        if self.shift or self.mirror:
            offsets = offset(down, self.shift), offset(across, self.shift)
            chosen = (mirror < 0.5) & self.mirror
            images = moved(images, *offsets, chosen, self.shift)
        if self.cutout:
            images = covered(images, *pixel(tf.stack(centre), images), self.cutout)
        return images

    def get_config(self) -> dict[str, Any]:
        """The settings; Keras calls it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Augmentation:
        """Makes an augmentation from its settings; Keras calls it."""
        return cls(**config)


@tf.function(
    input_signature=[tf.TensorSpec([2], tf.int32), tf.TensorSpec([None], tf.int32)]
)
def _uniform(seed: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """Five numbers from 0 to 1 for each step, `[n, 5]`."""

    def of_step(step: tf.Tensor) -> tf.Tensor:
        key = tf.random.experimental.stateless_fold_in(seed, step)
        return tf.random.stateless_uniform([5], key)

    return tf.map_fn(of_step, steps, fn_output_signature=tf.float32)
