"""Data sets from tensorflow-datasets, which downloads and caches them."""

from __future__ import annotations

from typing import Any

import numpy as np

from gtn_tf.data.catalog import Entry
from gtn_tf.data.errors import DataError
from gtn_tf.data.files import expected_files
from gtn_tf.data.labelled import Parts, label
from gtn_tf.errors import first_line

_BATCH = 1000


def download(entry: Entry) -> Parts:
    """Loads a data set through tensorflow-datasets.

    The package is optional and slow to import, so it is imported only here.

    Args:
        entry: The data set wanted; tensorflow-datasets knows it by the same name.

    Returns:
        The training and the test part.

    Raises:
        DataError: The package cannot be imported or the data cannot be downloaded.

    Example:

    >>> from gtn_tf.data.catalog import find_entry
    >>> from gtn_tf.data.downloads import download
    >>> parts = download(find_entry("mnist"))  # doctest: +SKIP
    """
    try:
        import tensorflow_datasets as tfds

        streams = tfds.load(entry.name, split=["train", "test"], as_supervised=True)
        parts = [_arrays(stream) for stream in streams]
    except Exception as error:  # An import or a download can fail in any way.
        raise DataError(
            f"{entry.name} cannot be loaded with tensorflow-datasets, received: "
            f"{first_line(error)}; put {expected_files(entry)} in a folder and name it "
            f"with --data-dir or GTN_TF_DATA; the files are "
            f"available from {entry.source}"
        ) from error
    (train_images, train_labels), (test_images, test_labels) = parts
    return Parts(
        label(train_images, train_labels, entry, f"tfds {entry.name}, training part"),
        label(test_images, test_labels, entry, f"tfds {entry.name}, test part"),
    )


def _arrays(stream: Any) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*stream.batch(_BATCH).as_numpy_iterator())
    return np.concatenate(images), np.concatenate(labels)  # [n, h, w, c], [n]
