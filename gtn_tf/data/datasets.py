"""`tf.data.Dataset`s of a user's own images, as splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.data.catalog import MOST_IMAGES
from gtn_tf.data.errors import DataError
from gtn_tf.data.resizing import ImageSize
from gtn_tf.data.source import source_of_arrays, splits_of
from gtn_tf.data.splits import Splits
from gtn_tf.errors import first_line, shown

_Pair = tuple[np.ndarray, np.ndarray]


def from_datasets(
    train: tf.data.Dataset,
    validation: tf.data.Dataset | None = None,
    test: tf.data.Dataset | None = None,
    *,
    name: str = "datasets",
    class_names: Sequence[str] | None = None,
    pixel_max: float | None = None,
    image_size: ImageSize | None = None,
    resize: str = "area",
    **kwargs: Any,
) -> Splits:
    """Makes splits of datasets of raw images, which are read once, to their end.

    Args:
        train: Of pairs of an image `[h, w]` or `[h, w, c]` and its label, or of batches
            of such: what `gtn_tf.data.from_arrays` takes, all images of one shape. The
            order does not matter: training shuffles by `seed`.
        validation: Likewise; by default a share of the training images is held out,
            the same of every class.
        test: Likewise.
        name: Name of the data set.
        class_names: As for `gtn_tf.data.from_arrays`, as all others.
        pixel_max: Likewise.
        image_size: Likewise.
        resize: Likewise.
        **kwargs: Likewise.

    Returns:
        The splits.

    Raises:
        DataError: If a dataset has no end, no elements, or elements that cannot be
            used.
        ArgumentError: If an option does not fit them.

    Example:

    >>> import numpy as np, tensorflow as tf
    >>> from gtn_tf import data
    >>> pixels = np.arange(40 * 64, dtype=np.uint8).reshape([40, 8, 8, 1])
    >>> pairs = tf.data.Dataset.from_tensor_slices((pixels, np.arange(40) % 2))
    >>> splits = data.from_datasets(pairs.take(30).batch(4), test=pairs.skip(30))
    >>> splits.image_shape, len(splits.test_labels)
    ((8, 8, 1), 10)
    """
    parts = {"train": train, "validation": validation, "test": test}
    arrays = {
        part: _read(dataset, part)
        for part, dataset in parts.items()
        if dataset is not None or part == "train"
    }
    source = source_of_arrays(
        name,
        "tf.data datasets",
        {part: images for part, (images, _) in arrays.items()},
        {part: labels for part, (_, labels) in arrays.items()},
        class_names=class_names,
        pixel_max=pixel_max,
        image_size=image_size,
        resize=resize,
    )
    return splits_of(source, **kwargs)


def _read(dataset: Any, part: str) -> _Pair:
    """All images `[n, ...]` and all labels `[n, ...]`."""
    if not isinstance(dataset, tf.data.Dataset):
        raise DataError(
            f"{part}: expected a tf.data.Dataset, received {type(dataset).__name__}"
        )
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise DataError(
            f"{part}: expected a dataset with an end, received an infinite one; leave "
            "Dataset.repeat out, or end it with Dataset.take"
        )
    batches: list[_Pair] = []
    count = 0
    for images, labels in _batches(dataset, part):
        batches.append((images, labels))
        _expect_same_shape(batches[0], batches[-1], part, count)
        count += len(images)
        if count > MOST_IMAGES:  # perhaps without an end that TensorFlow knows of
            raise DataError(
                f"{part}: expected a dataset of at most {MOST_IMAGES} images, received "
                "more; end it with Dataset.take"
            )
    if not count:
        raise DataError(f"{part}: expected a dataset of images, received no element")
    images, labels = zip(*batches)
    return np.concatenate(images), np.concatenate(labels)


def _batches(dataset: tf.data.Dataset, part: str) -> Iterator[_Pair]:
    """The elements; an image with its label is a batch of one."""
    specs = dataset.element_spec
    if (
        not isinstance(specs, tuple)
        or len(specs) != 2
        or not all(isinstance(spec, tf.TensorSpec) for spec in specs)
    ):
        raise DataError(
            f"{part}: expected a dataset of pairs (image, label), received elements "
            f"{shown(specs)}; Dataset.map makes pairs of them"
        )
    elements = dataset.as_numpy_iterator()
    while True:
        try:
            pair = [np.asarray(one) for one in next(elements)]
        except StopIteration:
            return
        except tf.errors.OpError as error:  # of the user's own pipeline
            raise DataError(
                f"{part}: the dataset fails while it is read: {first_line(error)}"
            ) from None
        shapes = [
            tf.TensorShape(one.shape) if spec.shape.rank is None else spec.shape
            for spec, one in zip(specs, pair)
        ]
        if not _are_batches(shapes[0], shapes[1], part):
            pair = [one[np.newaxis] for one in pair]
        images, labels = pair
        if labels.dtype.kind == "O":  # TensorFlow's text
            labels = labels.astype("S")
        yield images, labels


def _are_batches(image: tf.TensorShape, label: tf.TensorShape, part: str) -> bool:
    """Whether elements are batches, by the shapes of both."""
    single = image.rank in (2, 3) and label.rank in (0, 1)
    batch = image.rank in (3, 4) and label.rank in (1, 2)
    if single and batch:  # a one-hot label, or a batch of grey images
        batch = image[0] == label[0]
        single = image[0] != label[0] or image[0] is not None
    if single == batch:
        problem = "may be one image or a batch" if single else "are neither"
        hint = "give images a channel axis and batch them" if single else "reshape them"
        raise DataError(
            f"{part}: expected images [height, width, channels] with a label each, or "
            f"batches of such, received {image} with labels {label}, which {problem}; "
            f"{hint}"
        )
    return batch


def _expect_same_shape(first: _Pair, found: _Pair, part: str, at: int) -> None:
    for what, one, other in zip(("images", "labels"), first, found):
        if one.shape[1:] != other.shape[1:]:
            raise DataError(
                f"{part}: expected {what} of one shape, received "
                f"{list(one.shape[1:])} and, at number {at}, {list(other.shape[1:])}; "
                "bring them to one shape with Dataset.map"
            )
    if len(found[0]) != len(found[1]):
        raise DataError(
            f"{part}: expected a label for each image, received a batch of "
            f"{len(found[0])} images and {len(found[1])} labels"
        )
