"""The tables that come with scikit-learn: wine and breast cancer."""

from __future__ import annotations

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

from gtn_tf.data.catalog import Entry
from gtn_tf.data.labelled import LabelledImages, Parts

_TEST_SPLIT = 0.2
# A constant, so that every seed is tested on the same examples.
_TEST_STATE = 0


def read_sklearn_table(entry: Entry) -> tuple[Parts, tuple[str, ...]]:
    """Reads a table and holds out a fixed, stratified test part.

    Args:
        entry: The facts of `wine` or `breast_cancer`.

    Returns:
        Four fifths for training, and the rest for tests: features as they were
        measured; and the names of the features.

    Example:

    >>> from gtn_tf.data.catalog import find_entry
    >>> parts, names = read_sklearn_table(find_entry("wine"))
    >>> parts.train.images.shape, parts.test.images.shape, names[0]
    ((142, 13), (36, 13), 'alcohol')
    """
    found = getattr(datasets, f"load_{entry.name}")()
    train, test, train_labels, test_labels = train_test_split(
        found.data,  # [n, features]
        found.target,
        test_size=_TEST_SPLIT,
        random_state=_TEST_STATE,
        stratify=found.target,
    )
    parts = Parts(
        LabelledImages(train, train_labels.astype(np.int32)),
        LabelledImages(test, test_labels.astype(np.int32)),
    )
    return parts, tuple(map(str, found.feature_names))
