"""The data set that needs no file: scikit-learn's 1,797 written digits."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from gtn_tf.data.catalog import DIGITS
from gtn_tf.data.labelled import Parts, label

_TEST_SIZE = 360
# A constant, so that every seed is tested on the same images.
_TEST_STATE = 0


def read_digits() -> Parts:
    """Reads the digits and holds out a fixed, stratified test part.

    Returns:
        1,437 training and 360 test images of 8x8 pixels with values 0 to 16.

    Example:

    >>> from gtn_tf.data.digits import read_digits
    >>> int(read_digits().train.images.max())
    16
    """
    digits = load_digits()
    train_images, test_images, train_labels, test_labels = train_test_split(
        digits.images.astype(np.uint8),  # [n, h, w]
        digits.target,
        test_size=_TEST_SIZE,
        random_state=_TEST_STATE,
        stratify=digits.target,
    )
    entry = DIGITS
    return Parts(
        label(train_images, train_labels, entry, "digits, training part"),
        label(test_images, test_labels, entry, "digits, test part"),
    )
