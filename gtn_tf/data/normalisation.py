"""Scales pixels to mean 0 and standard deviation 1, per channel."""

from __future__ import annotations

import numpy as np

_AT_ONCE = 1000  # images


def channel_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes the mean and standard deviation of each channel.

    Args:
        images: uint8, uint16 or float32 array `[n, h, w, c]`.

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
    counts = [
        np.bincount(c.ravel(), minlength=len(values))
        for c in np.moveaxis(images, -1, 0)
    ]
    shares = np.stack(counts) / images[..., 0].size  # [c, 256]
    mean = shares @ values  # [c]
    variance = np.sum(shares * (values - mean[:, np.newaxis]) ** 2, axis=1)  # [c]
    return mean, np.sqrt(variance)


def normalise(images: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Shifts and scales each channel.

    Args:
        images: uint8, uint16 or float32 array `[n, h, w, c]`.
        mean: Array `[c]` to subtract.
        std: Array `[c]` to divide by.

    Returns:
        float32 array `[n, h, w, c]`.

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


def _of_floats(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    axes = (0, 1, 2)
    mean = images.mean(axis=axes, dtype=np.float64)  # [c]
    # In pieces: their squares in double precision are large.
    pieces = np.array_split(images, -(-len(images) // _AT_ONCE))
    squares = sum(np.square(one - mean).sum(axis=axes) for one in pieces)
    return mean, np.sqrt(squares / images[..., 0].size)
