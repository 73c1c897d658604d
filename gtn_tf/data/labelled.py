"""Images with their labels, checked: what every reader returns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from gtn_tf.data.catalog import Entry
from gtn_tf.data.errors import DataError
from gtn_tf.data.stored_images import Images, StoredImages, is_large, take


class LabelledImages(NamedTuple):
    """Images as stored, not yet scaled, with one label each.

    Args:
        images: uint8 `[n, height, width, channels]`; those of users may be uint16 or
            float32, too. Of a table, float64 `[n, features]`.
        labels: int32 array `[n]`.

    Example:

    >>> from gtn_tf.data.digits import read_digits
    >>> read_digits().train.images.shape
    (1437, 8, 8, 1)
    """

    images: Images
    labels: np.ndarray

    def take(self, rows: np.ndarray) -> LabelledImages:
        """Some of the images; those of a large set are not copied.

        Args:
            rows: Which ones, as an index of an array.
        """
        return LabelledImages(take(self.images, rows), self.labels[rows])


def without_copies(parts: Mapping[str, LabelledImages]) -> dict[str, LabelledImages]:
    """Lets the images of a large set be, as they are stored.

    Args:
        parts: All parts of the set.

    Returns:
        The same parts. If they are large together, their images are `StoredImages`.
    """

    def size(images: Images) -> int:
        return math.prod(images.shape) * images.dtype.itemsize

    if not is_large(sum(size(part.images) for part in parts.values())):
        return dict(parts)
    return {
        name: part
        if isinstance(part.images, StoredImages)
        else part._replace(images=StoredImages(part.images))
        for name, part in parts.items()
    }


class Parts(NamedTuple):
    """The two parts every data set comes in.

    Args:
        train: Training and validation images, not yet divided.
        test: Never trained on and never selected by.
        jpeg: Whether the images were JPEG files, which are lossy.

    Example:

    >>> from gtn_tf.data.digits import read_digits
    >>> len(read_digits().test.labels)
    360
    """

    train: LabelledImages
    test: LabelledImages
    jpeg: bool = False


def label(
    images: np.ndarray, labels: np.ndarray, entry: Entry, origin: str
) -> LabelledImages:
    """Checks images and labels against the catalog and joins them.

    Args:
        images: uint8 array `[n, h, w, c]`, or `[n, h, w]` when `c` is 1.
        labels: Array of integers `[n]` or `[n, 1]`.
        entry: The facts the images and labels must agree with.
        origin: Where the arrays come from, such as a file name, for messages.

    Returns:
        The same images as `[n, h, w, c]`, with int32 labels `[n]`.

    Raises:
        DataError: A type, a shape, a count or a label is wrong.

    Example:

    >>> import numpy as np
    >>> from gtn_tf.data.catalog import find_entry
    >>> from gtn_tf.data.labelled import label
    >>> images = np.zeros([3, 8, 8], np.uint8)
    >>> label(images, np.array([2, 0, 1]), find_entry("digits"), "zeros").images.shape
    (3, 8, 8, 1)
    """
    if images.dtype != np.uint8:
        raise DataError(f"{origin}: expected uint8 images, received {images.dtype}")
    height, width, channels = entry.image_shape
    if channels == 1 and images.ndim == 3:
        images = images[..., np.newaxis]  # [n, h, w, 1]
    if images.ndim != 4 or images.shape[1:] != entry.image_shape:
        raise DataError(
            f"{origin}: expected images of shape [n, {height}, {width}, {channels}], "
            f"received {list(images.shape)}"
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{origin}: expected integer labels, received {labels.dtype}")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]  # [n]; Keras stores the labels of CIFAR-10 as [n, 1]
    if labels.shape != (len(images),) or not len(images):
        raise DataError(
            f"{origin}: expected one label per image and at least one image, "
            f"received {len(images)} images and labels of shape {list(labels.shape)}"
        )
    last = len(entry.class_names) - 1
    if labels.min() < 0 or labels.max() > last:
        raise DataError(
            f"{origin}: expected labels 0 to {last}, "
            f"received {labels.min()} to {labels.max()}"
        )
    return LabelledImages(images, labels.astype(np.int32))
