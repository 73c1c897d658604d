"""A data set ready for use: three splits as arrays and as streams of batches."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import tensorflow as tf

from gtn_tf.data.augmentation import cut_out
from gtn_tf.data.named_augmentation import augment_images, expect_names
from gtn_tf.data.order import shuffled_batches
from gtn_tf.data.stored_images import Gather, Images, gathering, in_order
from gtn_tf.errors import ArgumentError
from gtn_tf.shapes import expect_pictures

_EVALUATION_BATCH = 500


@dataclass(frozen=True, eq=False)
class Splits:
    """Training, validation and test images of one data set.

    The images are normalised per channel, `(x - mean) / std`, with the mean and the
    standard deviation of the training split alone. The examples of a table are vectors
    in place of images, standardised per feature.

    Args:
        name: Name of the data set.
        image_shape: `(height, width, channels)` in pixels; of a table, `(features,)`.
        num_classes: Number of classes, `k`.
        class_names: One name per class, in the order of the labels.
        mean: Mean per channel of the training pixels, scaled to 0..1; of a table, per
            feature, as it is.
        std: Their standard deviation per channel.
        train_images: float32 array `[n, h, w, c]`, or `[n, features]`; of a large set
            `StoredImages`, which an index makes an array of: `train_images[:100]`.
        train_labels: int32 array `[n]`, 0 to `k - 1`; likewise for the other two.
        validation_images: For selection: hyperparameters, checkpoints.
        validation_labels: Their labels.
        test_images: For the final result; never for training or selection.
        test_labels: Their labels.
        seed: Seed of the validation split, the order and the augmentation.
        batch_size: Images per training batch.
        augment: How training images are augmented at random, each on its own: some of
            `"shift"`, `"mirror"`, `"rotate"` and `"colour"`.
        cutout: Side of a square that covers each training image at random, in pixels;
            0 for none.
        jpeg: Whether the images were JPEG files, which are lossy.
        resize: How images of another shape got their size.
        feature_names: Names of the columns of a table, if they have any.

    Raises:
        ValueError: `batch_size` is not between 1 and the number of training images, or
            `augment` has another name, or there is any for a table.

    Example:

    >>> from gtn_tf import data
    >>> splits = data.load("digits", batch_size=64)
    >>> images, labels = next(iter(splits.train))
    >>> images.shape, labels.shape
    (TensorShape([64, 8, 8, 1]), TensorShape([64]))
    """

    name: str
    image_shape: tuple[int, ...]
    num_classes: int
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    train_images: Images = field(repr=False)
    train_labels: np.ndarray = field(repr=False)
    validation_images: Images = field(repr=False)
    validation_labels: np.ndarray = field(repr=False)
    test_images: Images = field(repr=False)
    test_labels: np.ndarray = field(repr=False)
    seed: int = 0
    batch_size: int = 128
    augment: Sequence[str] = ()
    cutout: int = 0
    jpeg: bool = False
    resize: str = "area"
    feature_names: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        expect_names(self.augment)
        count = len(self.train_images)
        if not 1 <= operator.index(self.batch_size) <= count:
            raise ArgumentError(
                f"batch_size must be between 1 and {count}, the number of training "
                f"images of {self.name}, received {self.batch_size}",
                "batch_size",
            )
        for argument, given in (("augment", self.augment), ("cutout", self.cutout)):
            if given:
                expect_pictures(self.image_shape, argument, "leave it out", argument)

    @property
    def title(self) -> str:
        """The name for reports, which says if the images were JPEG files."""
        return f"{self.name} (JPEG)" if self.jpeg else self.name

    @property
    def train(self) -> tf.data.Dataset:
        """Endless, shuffled training batches: `train_batches(0)`."""
        return self.train_batches()

    @property
    def validation(self) -> tf.data.Dataset:
        """All validation images once, in order, in batches of at most 500."""
        return _all_of(self.validation_images, self.validation_labels)

    @property
    def test(self) -> tf.data.Dataset:
        """All test images once, in order, in batches of at most 500."""
        return _all_of(self.test_images, self.test_labels)

    def train_batches(self, start: int = 0) -> tf.data.Dataset:
        """Streams the training batches, starting at a given one.

        The batches are determined by `seed` alone, so `train_batches(k)` resumes a
        training that was interrupted after `k` batches. It is the same stream as
        `train.skip(k)`, without the work of making the `k` batches.

        Args:
            start: Number of batches to skip.

        Returns:
            Endless dataset of `(images, labels)`: float32 `[batch_size, h, w, c]`
            and int32 `[batch_size]`, each pass in a new order.

        Raises:
            ValueError: `start` is negative.

        Example:

        >>> from gtn_tf import data
        >>> splits = data.load("digits")
        >>> resumed = next(iter(splits.train_batches(start=5000)))
        """
        if start < 0:
            raise ArgumentError(f"start must not be negative, received {start}")
        images, labels = self._training

        def batch(step: tf.Tensor, positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            chosen = images(positions)  # [b, h, w, c]
            if self.augment:
                scale = self.mean, self.std
                chosen = augment_images(chosen, self.augment, *scale, self.seed, step)
            if self.cutout:
                chosen = cut_out(chosen, self.cutout, self.seed, step)
            return chosen, labels(positions)  # [b]

        return (
            shuffled_batches(len(self.train_labels), self.batch_size, self.seed, start)
            .map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(tf.data.AUTOTUNE)
        )

    @cached_property
    def _training(self) -> tuple[Gather, Gather]:
        # Copied into TensorFlow once, however many streams are opened.
        with tf.device("CPU:0"):
            return gathering(self.train_images), gathering(self.train_labels)


def _all_of(images: Images, labels: np.ndarray) -> tf.data.Dataset:
    return in_order(images, labels, _EVALUATION_BATCH).prefetch(tf.data.AUTOTUNE)


def expect_options(seed: int, augment: Sequence[str], cutout: int) -> None:
    """Checks what does not depend on the data, before it is read.

    Args:
        seed: As for `Splits`.
        augment: As for `Splits`.
        cutout: As for `Splits`.

    Raises:
        ArgumentError: If one of them cannot be used.
    """
    if not 0 <= operator.index(seed) < 2**32:
        raise ArgumentError(
            f"seed must be between 0 and 2**32 - 1, received {seed}", "seed"
        )
    expect_names(augment)
    if operator.index(cutout) < 0:
        raise ArgumentError(f"cutout must not be negative, received {cutout}", "cutout")
