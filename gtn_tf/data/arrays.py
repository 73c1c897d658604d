"""Arrays of a user's own images, as splits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gtn_tf.data.errors import DataError
from gtn_tf.data.resizing import ImageSize, expect_resizable
from gtn_tf.data.source import source_of_arrays, splits_of
from gtn_tf.data.splits import Splits


def from_arrays(
    train_images: Any,
    train_labels: Any,
    validation_images: Any = None,
    validation_labels: Any = None,
    test_images: Any = None,
    test_labels: Any = None,
    *,
    name: str = "arrays",
    class_names: Sequence[str] | None = None,
    pixel_max: float | None = None,
    image_size: ImageSize | None = None,
    resize: str = "area",
    **kwargs: Any,
) -> Splits:
    """Makes splits of raw arrays: labels are numbered, pixels normalised.

    Args:
        train_images: Raw pixels `[n, h, w]` or `[n, h, w, c]`: uint8, uint16, bool,
            or floats from 0 to 1 or 0 to 255. Not normalised: that is done here, by
            the statistics of the training images. Of a table, numbers
            `[n, features]`: each feature is standardised.
        train_labels: Integers, text, `[n, 1]` or one-hot.
        validation_images: Likewise; by default a share of the training images is held
            out, the same of every class.
        validation_labels: Their labels.
        test_images: Likewise.
        test_labels: Their labels.
        name: Name of the data set.
        class_names: Names of the classes; by default the labels are their own names.
        pixel_max: Value of the brightest pixel, if it is not what the type says, such
            as 4095 of 12 bits.
        image_size: Height and width that images are resized to, in pixels, or one
            number for squares; by default they keep their size.
        resize: Where the shape changes, `"area"` stretches images, `"crop"` cuts the
            longer side at both ends, and `"pad"` adds black on both sides. Each new
            pixel is the mean over its area.
        **kwargs: `seed` (0) decides which images validate, the order and the
            augmentation, but never which images test; `batch_size` (128, or all where
            there are fewer); `augment` (none) and `cutout` (0) as for
            `gtn_tf.data.load`; `validation_split` (0.1) and `test_split` (0.2), the
            shares that are held out.

    Returns:
        The splits.

    Raises:
        DataError: If images or labels cannot be used.
        ArgumentError: If an option does not fit them.

    Example:

    >>> from sklearn.datasets import load_digits
    >>> from gtn_tf import data
    >>> digits = load_digits()
    >>> splits = data.from_arrays(digits.images, digits.target, pixel_max=16)
    >>> splits.image_shape, splits.num_classes, len(splits.test_labels)
    ((8, 8, 1), 10, 359)
    """
    given = {
        "train": (train_images, train_labels),
        "validation": (validation_images, validation_labels),
        "test": (test_images, test_labels),
    }
    for part, (images, labels) in given.items():
        if (images is None) != (labels is None) or (part == "train" and images is None):
            raise DataError(
                f"{part}: expected images and labels, received "
                f"{'labels' if images is None else 'images'} alone"
            )
    there = {part: pair for part, pair in given.items() if pair[0] is not None}
    source = source_of_arrays(
        name,
        "arrays",
        {part: images for part, (images, _) in there.items()},
        {part: labels for part, (_, labels) in there.items()},
        class_names=class_names,
        pixel_max=pixel_max,
        image_size=image_size,
        resize=resize,
    )
    expect_resizable(source.image_shape, image_size, resize)
    return splits_of(source, **kwargs)
