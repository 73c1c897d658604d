"""Many small JPEG files, stored end to end, to one array of pixels."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gtn_tf.data.errors import DataError
from gtn_tf.errors import first_line

_MOST_BYTES = 2**30  # of all images


def decode_jpegs(
    content: np.ndarray, offsets: np.ndarray, channels: int, origin: str
) -> np.ndarray:
    """Decodes JPEG files of one common size.

    Args:
        content: uint8 array `[bytes]`, all files end to end.
        offsets: Array of integers `[n + 1]`; image `i` is the bytes from offset `i`
            to offset `i + 1`.
        channels: 1 for grey images, 3 for red, green and blue.
        origin: Where the bytes come from, such as a file name, for messages.

    Returns:
        uint8 array `[n, height, width, channels]`.

    Raises:
        DataError: The offsets do not divide the bytes into files, a file is not a
            JPEG, or the images differ in size.

    Example:

    >>> import numpy as np
    >>> import tensorflow as tf
    >>> from gtn_tf.data.jpeg import decode_jpegs
    >>> file = tf.io.encode_jpeg(np.zeros([4, 6, 3], np.uint8)).numpy()
    >>> content = np.frombuffer(file * 2, np.uint8)
    >>> decode_jpegs(content, len(file) * np.arange(3), 3, "two images").shape
    (2, 4, 6, 3)
    """
    if not (_is_row(content, np.uint8) and _is_row(offsets, np.integer)):
        raise DataError(
            f"{origin}: expected uint8 bytes and integer offsets in one axis each, "
            f"received {content.dtype} of shape {list(content.shape)} and "
            f"{offsets.dtype} of shape {list(offsets.shape)}"
        )
    bounds = offsets.tolist()
    rising = all(start < end for start, end in zip(bounds, bounds[1:]))
    if len(bounds) < 2 or bounds[0] != 0 or bounds[-1] != content.size or not rising:
        raise DataError(
            f"{origin}: expected at least 2 offsets rising from 0 to {content.size}, "
            f"received {len(bounds)} from {bounds[:1]} to {bounds[-1:]}"
        )
    files = [content[a:b].tobytes() for a, b in zip(bounds, bounds[1:])]
    try:
        # A header of a few bytes can claim gigabytes of pixels.
        height, width, _ = tf.io.extract_jpeg_shape(files[0]).numpy().tolist()
        if len(files) * height * width * channels > _MOST_BYTES:
            raise DataError(
                f"{origin}: expected at most {_MOST_BYTES} bytes of pixels, received "
                f"{len(files)} images of {height} x {width}"
            )
        # A tf.data map decodes on every core.
        images = (
            tf.data.Dataset.from_tensor_slices(tf.constant(files))
            .map(
                lambda file: _decode(file, channels, (height, width)),
                num_parallel_calls=tf.data.AUTOTUNE,
            )
            .batch(len(files))
            .get_single_element()
        )  # [n, h, w, c]
    except tf.errors.InvalidArgumentError as error:
        raise DataError(
            f"{origin}: expected JPEG files of one size, received: {first_line(error)}"
        ) from error
    return images.numpy()


def _decode(file: tf.Tensor, channels: int, size: tuple[int, int]) -> tf.Tensor:
    found = tf.io.extract_jpeg_shape(file)[:2]
    with tf.control_dependencies([tf.debugging.assert_equal(found, size)]):
        return tf.io.decode_jpeg(file, channels=channels)


def _is_row(array: np.ndarray, kind: type) -> bool:
    return array.ndim == 1 and np.issubdtype(array.dtype, kind)
