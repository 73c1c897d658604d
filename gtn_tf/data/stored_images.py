"""Images of a large set: they stay as they are stored, and are converted by rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Union

import numpy as np
import tensorflow as tf

from gtn_tf.errors import ArgumentError, shown

# Bytes of a set as it is stored. A smaller one, such as CIFAR-10, is a float32 array of
# at most 1 GB; a larger one need not fit in the memory.
LARGE = 2**28

_AT_ONCE = 1000  # images


def is_large(size: int) -> bool:
    """Whether a set is too large to be kept as float32.

    Args:
        size: Its bytes as it is stored.
    """
    return size >= LARGE


class StoredImages:
    """Images that are read, and converted, when they are asked for.

    Args:
        stored: `[m, h, w, c]`, in memory or memory-mapped.
        rows: Which of them, and in which order, int64 `[n]`; by default all.
        convert: Makes float32 images `[..., h, w, c]` of stored ones; by default they
            are as they are stored.

    Example:

    >>> pixels = np.arange(6, dtype=np.uint8).reshape([6, 1, 1, 1])
    >>> images = StoredImages(pixels).take([4, 0, 2]).converted(np.float32)
    >>> len(images), images[1:].ravel().tolist()
    (3, [0.0, 2.0])
    """

    def __init__(
        self,
        stored: np.ndarray,
        rows: np.ndarray | None = None,
        convert: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        # A plain array: a row of a `np.memmap` would claim to be one.
        self._stored = np.asarray(stored)
        self._rows = np.arange(len(stored)) if rows is None else rows
        self._convert = convert
        self.shape = (len(self._rows), *stored.shape[1:])
        self.ndim = len(self.shape)
        self.dtype = np.dtype(np.float32) if convert else self._stored.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> np.ndarray:
        if rows is None or rows is Ellipsis or isinstance(rows, tuple):
            raise ArgumentError(
                "images of a large set: expected rows, as [:100] or an array, "
                f"received {shown(rows)}; take rows first: [:100][..., 0]"
            )
        found = self._stored[self._rows[rows]]
        return found if self._convert is None else self._convert(found)

    def __iter__(self) -> Iterator[np.ndarray]:
        for piece in pieces(self):
            yield from piece

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        del copy  # NumPy 2's; it is always one
        whole, end = np.empty(self.shape, dtype or self.dtype), 0
        for piece in pieces(self):
            start, end = end, end + len(piece)
            whole[start:end] = piece
        return whole

    def take(self, rows: Any) -> StoredImages:
        """Some of the images, none of which is read.

        Args:
            rows: Which ones, as an index of an array.
        """
        return StoredImages(self._stored, self._rows[rows], self._convert)

    def converted(self, convert: Callable[[np.ndarray], np.ndarray]) -> StoredImages:
        """The same images, converted once more, when they are read.

        Args:
            convert: Makes float32 images `[..., h, w, c]` of images.
        """
        before = self._convert
        both = convert if before is None else lambda x: convert(before(x))
        return StoredImages(self._stored, self._rows, both)


Images = Union[np.ndarray, StoredImages]
Gather = Callable[[tf.Tensor], tf.Tensor]


def take(images: Images, rows: Any) -> Images:
    """Some of the images; those of a large set are not read.

    Args:
        images: `[n, h, w, c]`.
        rows: Which ones, as an index of an array.
    """
    return images.take(rows) if isinstance(images, StoredImages) else images[rows]


def converted(images: Images, convert: Callable[[np.ndarray], np.ndarray]) -> Images:
    """Converts images: at once, or those of a large set when they are read.

    Args:
        images: `[n, h, w, c]`.
        convert: Makes float32 images `[..., h, w, c]` of images.
    """
    if isinstance(images, StoredImages):
        return images.converted(convert)
    return convert(images)


def pieces(images: Images) -> Iterator[np.ndarray]:
    """The images in order, at most 1,000 at once, and at least an empty array.

    Args:
        images: `[n, ...]`.
    """
    count = max(1, -(-len(images) // _AT_ONCE))
    for rows in np.array_split(np.arange(len(images)), count):
        yield images[rows[0] : rows[-1] + 1] if len(rows) else images[:0]


def gathering(images: Images) -> Gather:
    """What takes images in a graph, as `tf.gather` does.

    Args:
        images: `[n, h, w, c]`. An array is copied into TensorFlow once.

    Returns:
        A function: integers of any shape to images `[*shape, h, w, c]`.

    Example:

    >>> gathering(StoredImages(np.zeros([6, 4, 4, 1])))(tf.constant([5, 0])).shape
    TensorShape([2, 4, 4, 1])
    """
    if not isinstance(images, StoredImages):
        tensor = tf.convert_to_tensor(images)
        return lambda rows: tf.gather(tensor, rows)
    shape = images.shape[1:]

    def gather(rows: tf.Tensor) -> tf.Tensor:
        # NumPy converts: TensorFlow may divide by way of a reciprocal, which rounds
        # otherwise.
        found = tf.numpy_function(
            images.__getitem__, [rows], images.dtype, stateful=False
        )
        found.set_shape([*rows.shape, *shape])
        return found

    return gather


def in_order(images: Images, labels: Any, batch_size: int) -> tf.data.Dataset:
    """Streams images with their labels once, in order.

    Args:
        images: `[n, h, w, c]`.
        labels: `[n, ...]`.
        batch_size: Images of a batch; the last one may have fewer.

    Example:

    >>> batches = in_order(np.zeros([5, 4, 4, 1]), np.arange(5), batch_size=3)
    >>> [len(labels) for _, labels in batches]
    [3, 2]
    """
    with tf.device("CPU:0"):
        some_images, some_labels = gathering(images), gathering(labels)
    return (
        tf.data.Dataset.range(len(labels))
        .batch(batch_size)
        .map(lambda rows: (some_images(rows), some_labels(rows)))
    )
