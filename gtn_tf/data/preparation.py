"""From labelled images to splits: hold out for validation, then normalise."""

from __future__ import annotations

import operator

import numpy as np
from sklearn.model_selection import train_test_split

from gtn_tf.data.catalog import Entry
from gtn_tf.data.errors import DataError
from gtn_tf.data.labelled import LabelledImages, Parts
from gtn_tf.data.normalisation import channel_statistics, normalise
from gtn_tf.data.splits import Splits
from gtn_tf.errors import ArgumentError


def prepare(
    entry: Entry,
    parts: Parts,
    *,
    seed: int,
    batch_size: int,
    augment: bool,
    cutout: int,
    validation_size: int,
) -> Splits:
    """Holds out validation images and normalises all by the training split.

    Args:
        entry: The facts of the data set.
        parts: Its training and test part.
        seed: Seed of the validation split and of the training stream.
        batch_size: Images per training batch.
        augment: Whether training images are shifted and mirrored at random.
        cutout: Side of the square that covers each training image, in pixels.
        validation_size: Images held out of the training part.

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
    ...                  augment=False, cutout=0, validation_size=200)
    >>> len(splits.train_labels), len(splits.validation_labels)
    (1237, 200)
    """
    train, validation = hold_out(parts.train, validation_size, seed, entry.name)
    mean, std = channel_statistics(train.images)  # [c], [c]
    if not std.all():
        raise DataError(
            f"{entry.name}: expected training images that differ, received a channel "
            f"with the same value in every pixel"
        )
    height, width, channels = parts.train.images.shape[1:]
    return Splits(
        name=entry.name,
        image_shape=(height, width, channels),
        num_classes=len(entry.class_names),
        class_names=entry.class_names,
        mean=tuple((mean / entry.pixel_max).tolist()),
        std=tuple((std / entry.pixel_max).tolist()),
        train_images=normalise(train.images, mean, std),
        train_labels=train.labels,
        validation_images=normalise(validation.images, mean, std),
        validation_labels=validation.labels,
        test_images=normalise(parts.test.images, mean, std),
        test_labels=parts.test.labels,
        seed=seed,
        batch_size=batch_size,
        augment=augment,
        cutout=cutout,
        jpeg=parts.jpeg,
    )


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
    train, validation = (
        LabelledImages(part.images[rows], part.labels[rows]) for rows in chosen
    )
    return train, validation
