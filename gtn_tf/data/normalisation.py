"""Scales pixels to mean 0 and standard deviation 1, per channel."""

from __future__ import annotations

import math

import numpy as np

from gtn_tf.data.stored_images import Images, pieces


def channel_statistics(images: Images) -> tuple[np.ndarray, np.ndarray]:
    """Computes the mean and standard deviation of each channel.

    Args:
        images: uint8, uint16 or float32 `[n, h, w, c]`.

    Returns:
        Two float64 arrays `[c]`, in units of the images' own pixel values.

    Example:

    >>> import numpy as np
    >>> from gtn_tf.data.normalisation import channel_statistics
    >>> channel_statistics(np.array([1, 3], np.uint8).reshape([2, 1, 1, 1]))
    (array([2.]), array([1.]))
    """
    if images.dtype.kind == "f":
        return _of_floats(images)
    values = np.arange(np.iinfo(images.dtype).max + 1)
    # Counting the 256 values first is exact and much faster than averaging pixels.
    counts = np.zeros([images.shape[-1], len(values)], np.int64)  # [c, 256]
    for piece in pieces(images):
        for count, channel in zip(counts, np.moveaxis(piece, -1, 0)):
            count += np.bincount(channel.ravel(), minlength=len(values))
    shares = counts / math.prod(images.shape[:3])  # [c, 256]
    mean = shares @ values  # [c]
    variance = np.sum(shares * (values - mean[:, np.newaxis]) ** 2, axis=1)  # [c]
    return mean, np.sqrt(variance)


def normalise(images: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Shifts and scales each channel.

    Args:
        images: uint8, uint16 or float32 array `[..., h, w, c]`.
        mean: Array `[c]` to subtract.
        std: Array `[c]` to divide by.

    Returns:
        float32 array `[..., h, w, c]`.

    Example:

    >>> import numpy as np
    >>> from gtn_tf.data.normalisation import normalise
    >>> normalise(np.full([1, 1, 1, 1], 5, np.uint8), np.array([3]), np.array([2]))
    array([[[[1.]]]], dtype=float32)
    """
    result = images.astype(np.float32)
    # In place, since the training images of CIFAR-10 alone are 553 MB.
    result -= mean.astype(np.float32)
    result /= std.astype(np.float32)
    return result


def _of_floats(images: Images) -> tuple[np.ndarray, np.ndarray]:
    axes, count = (0, 1, 2), math.prod(images.shape[:3])
    sums = [one.sum(axis=axes, dtype=np.float64) for one in pieces(images)]
    mean = np.sum(sums, axis=0) / count  # [c]
    squares = sum(np.square(one - mean).sum(axis=axes) for one in pieces(images))
    return mean, np.sqrt(squares / count)
