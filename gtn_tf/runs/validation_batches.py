"""Validation images for a search that learns from them, in batches."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from gtn_tf.data import Splits
from gtn_tf.data.order import shuffled_batches
from gtn_tf.data.stored_images import gathering


def validation_batches(
    splits: Splits, batch_size: int, start: int = 0
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """Streams validation images as `Splits.train_batches` does training images.

    Args:
        splits: The real data.
        batch_size: Images of a batch.
        start: Number of batches to skip.

    Yields:
        Images `[batch_size, h, w, c]` and integers `[batch_size]`, without end.
    """
    images = gathering(splits.validation_images)
    labels = gathering(splits.validation_labels)
    count = len(splits.validation_labels)
    for _, positions in shuffled_batches(count, batch_size, splits.seed, start):
        yield images(positions), labels(positions)
