"""Images of another size, such as smaller ones for quick experiments."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gtn_tf.data.labelled import LabelledImages

LARGEST = 1024  # pixels; more is a mistake, and fills the memory
_BATCH = 5000  # images resized at once


def resize(part: LabelledImages, size: int) -> LabelledImages:
    """Resizes images: each new pixel is the mean over its area.

    Args:
        part: uint8 images `[n, h, w, c]`.
        size: Their new height and width, in pixels.

    Returns:
        uint8 images `[n, size, size, c]` with the same labels; those that already have
        the size are returned unchanged.

    Example:

    >>> from gtn_tf.data.digits import read_digits
    >>> resize(read_digits().test, 4).images.shape
    (360, 4, 4, 1)
    """
    images = part.images
    if images.shape[1:3] == (size, size):
        return part
    with tf.device("CPU:0"):
        resized = [
            tf.round(tf.image.resize(images[i : i + _BATCH], (size, size), "area"))
            for i in range(0, len(images), _BATCH)
        ]
    return LabelledImages(
        np.concatenate(resized, dtype=np.uint8, casting="unsafe"), part.labels
    )
