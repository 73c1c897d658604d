"""From labelled images to splits: hold out what is missing, then normalise."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from gtn_tf.data.catalog import Entry
from gtn_tf.data.errors import DataError
from gtn_tf.data.features import feature_statistics, standardise
from gtn_tf.data.labelled import LabelledImages, Parts, without_copies
from gtn_tf.data.normalisation import channel_statistics, normalise
from gtn_tf.data.splits import Splits
from gtn_tf.data.stored_images import Images, converted
from gtn_tf.errors import ArgumentError

_LEAST_STD = 1e-6  # of pixels from 0 to 1, as in a teacher's description


def prepare(
    entry: Entry,
    parts: Parts,
    *,
    seed: int,
    batch_size: int,
    augment: Sequence[str],
    cutout: int,
    validation_size: int,
    resize: str = "area",
    feature_names: tuple[str, ...] = (),
) -> Splits:
    """Holds out validation images and normalises all by the training split.

    Args:
        entry: The facts of the data set.
        parts: Its training and test part.
        seed: Seed of the validation split and of the training stream.
        batch_size: Images per training batch.
        augment: How training images are augmented; as for `Splits`.
        cutout: Side of the square that covers each training image, in pixels.
        validation_size: Images held out of the training part.
        resize: As for `Splits`.
        feature_names: As for `Splits`.

    Returns:
        The splits. The test split is the test part, whatever the seed.

    Raises:
        ValueError: `batch_size` or `validation_size` does not fit the images.
        DataError: A channel of the training images is constant.

    Example:

    >>> from gtn_tf.data.catalog import find_entry
    >>> from gtn_tf.data.digits import read_digits
    >>> from gtn_tf.data.preparation import prepare
    >>> splits = prepare(find_entry("digits"), read_digits(), seed=0, batch_size=32,
    ...                  augment=(), cutout=0, validation_size=200)
    >>> len(splits.train_labels), len(splits.validation_labels)
    (1237, 200)
    """
    both = without_copies({"train": parts.train, "test": parts.test})
    train, validation = hold_out(both["train"], validation_size, seed, entry.name)
    return normalised_splits(
        entry.name,
        entry.class_names,
        {"train": train, "validation": validation, "test": both["test"]},
        entry.pixel_max,
        seed=seed,
        batch_size=batch_size,
        augment=augment,
        cutout=cutout,
        jpeg=parts.jpeg,
        resize=resize,
        feature_names=feature_names,
    )


def normalised_splits(
    name: str,
    class_names: tuple[str, ...],
    parts: Mapping[str, LabelledImages],
    pixel_max: float,
    **kwargs: Any,
) -> Splits:
    """Normalises all parts by the statistics of the training part.

    Args:
        name: Name of the data set.
        class_names: One name per class.
        parts: `"train"`, `"validation"` and `"test"`, all of one size.
        pixel_max: Pixel value that becomes 1.0 when pixels are scaled to 0..1.
        **kwargs: As for `Splits`: `seed`, `batch_size`, `augment`, `cutout`, `jpeg`,
            `resize`, `feature_names`.

    Raises:
        DataError: A channel of the training images is constant.

    Example:

    >>> part = LabelledImages(np.array([0, 2], np.uint8).reshape([2, 1, 1, 1]),
    ...                       np.array([0, 1], np.int32))
    >>> parts = {"train": part, "validation": part, "test": part}
    >>> splits = normalised_splits("two", ("a", "b"), parts, 255, batch_size=2)
    >>> splits.train_images.ravel().tolist()
    [-1.0, 1.0]
    """
    if parts["train"].images.ndim == 2:
        mean, std = feature_statistics(
            np.asarray(parts["train"].images)
        )  # [features] each
        scale = functools.partial(standardise, mean=mean, std=std)
    else:
        mean, std = _channel_scale(name, parts["train"].images, pixel_max)  # [c] each
        scale = functools.partial(normalise, mean=mean, std=std)
    images = {part: converted(one.images, scale) for part, one in parts.items()}
    return Splits(
        name=name,
        image_shape=tuple(map(int, parts["train"].images.shape[1:])),
        num_classes=len(class_names),
        class_names=class_names,
        mean=tuple((mean / pixel_max).tolist()),
        std=tuple((std / pixel_max).tolist()),
        train_images=images["train"],
        train_labels=parts["train"].labels,
        validation_images=images["validation"],
        validation_labels=parts["validation"].labels,
        test_images=images["test"],
        test_labels=parts["test"].labels,
        **kwargs,
    )


def _channel_scale(
    name: str, images: Images, pixel_max: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel, none of which may be constant."""
    mean, std = channel_statistics(images)  # [c], [c]
    (constant,) = np.nonzero(std / pixel_max < _LEAST_STD)
    if len(constant):
        raise DataError(
            f"{name}: expected training images that differ, received a channel with "
            f"the same value in every pixel, number {constant[0]} of {len(std)}; leave "
            "the channel out"
        )
    return mean, std


def hold_out(
    part: LabelledImages, size: int, seed: int, name: str
) -> tuple[LabelledImages, LabelledImages]:
    """Holds out validation images, the same share of every class.

    Args:
        part: The training part.
        size: Number of images to hold out.
        seed: Decides which images.
        name: Name of the data set, for messages.

    Returns:
        The remaining training images, and the `size` validation images.

    Raises:
        ValueError: `size` leaves a class without training or validation images.

    Example:

    >>> from gtn_tf.data.digits import read_digits
    >>> from gtn_tf.data.preparation import hold_out
    >>> train, validation = hold_out(read_digits().train, 100, 0, "digits")
    >>> len(validation.labels)
    100
    """
    try:
        chosen = train_test_split(
            np.arange(len(part.labels)),
            test_size=operator.index(size),
            random_state=seed,
            stratify=part.labels,
        )
    except ValueError as error:
        raise ArgumentError(
            f"cannot hold validation_size={size} of the {len(part.labels)} training "
            f"images of {name} out: {error}"
        ) from error
    train, validation = (part.take(rows) for rows in chosen)
    return train, validation


def hold_out_share(
    part: LabelledImages, share: float, seed: int
) -> tuple[LabelledImages, LabelledImages]:
    """Holds a share of every class out: at least one image, and never the last.

    Args:
        part: Images of any number in each class.
        share: Above 0, below 1.
        seed: Decides which images.

    Returns:
        The remaining images, and those that are held out, both in the order of `part`.
        A class of one image is not held out.

    Example:

    >>> part = LabelledImages(np.zeros([22, 1, 1, 1]), np.repeat([0, 1, 2], [1, 1, 20]))
    >>> rest, held_out = hold_out_share(part, 0.2, seed=0)
    >>> np.bincount(rest.labels), np.bincount(held_out.labels)
    (array([ 1,  1, 16]), array([0, 0, 4]))
    """
    labels = part.labels
    counts = np.bincount(labels)  # [k]
    taken = np.minimum(np.maximum(1, np.round(share * counts)), counts - 1)
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    first = np.cumsum(counts) - counts  # place of each class in `by_class`
    place = np.arange(len(labels)) - first[labels[by_class]]
    held_out = np.zeros(len(labels), bool)
    held_out[by_class] = place < taken[labels[by_class]]
    return part.take(~held_out), part.take(held_out)
