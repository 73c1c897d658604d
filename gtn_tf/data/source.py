"""What was found in a user's data, and its way to splits."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gtn_tf.data.class_labels import read_classes
from gtn_tf.data.errors import DataError
from gtn_tf.data.features import are_tables, constant_features, read_parts
from gtn_tf.data.labelled import LabelledImages, without_copies
from gtn_tf.data.pixels import read_pixels
from gtn_tf.data.preparation import hold_out_share, normalised_splits
from gtn_tf.data.resizing import ImageSize, resize_pixels, size_of
from gtn_tf.data.splits import Splits, expect_options
from gtn_tf.errors import ArgumentError, cut
from gtn_tf.names import DATASETS
from gtn_tf.shapes import is_vector

_LOG = logging.getLogger(__name__)

PARTS = ("train", "validation", "test")
_BATCH = 128
# A constant, so that every seed is tested on the same images.
_TEST_STATE = 0

Sizes = dict[tuple[int, int], int]  # images of each height and width


@dataclass(frozen=True, eq=False)
class Source:
    """A data set as it was found, all images of one size, not yet normalised.

    Args:
        name: Name of the data set.
        kind: What it is, such as `"npz file"`.
        class_names: One name per class.
        pixel_max: Pixel value that becomes 1.0 when pixels are scaled to 0..1.
        parts: `"train"`, and `"validation"` and `"test"` where there are such.
        sizes: How many images of each size there were before resizing; none of a
            table.
        remarks: What was left out or changed, a sentence each.
        resize: How images of another shape got their size.
        feature_names: Names of the columns of a table, if they have any.
    """

    name: str
    kind: str
    class_names: tuple[str, ...]
    pixel_max: float
    parts: Mapping[str, LabelledImages]
    sizes: Sizes
    remarks: tuple[str, ...] = field(default=())
    resize: str = "area"
    feature_names: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, ...]:
        """`(height, width, channels)` of an image, or `(features,)` of a table."""
        return self.parts["train"].images.shape[1:]


def source_of_arrays(
    name: str,
    kind: str,
    images: Mapping[str, Any],
    labels: Mapping[str, Any],
    *,
    class_names: Sequence[str] | None = None,
    pixel_max: float | None = None,
    image_size: ImageSize | None = None,
    resize: str = "area",
    remarks: Sequence[str] = (),
    feature_names: tuple[str, ...] = (),
) -> Source:
    """Checks arrays and brings them to one type and size.

    Args:
        name: As for `Source`.
        kind: As for `Source`.
        images: Images of each part; see `gtn_tf.data.pixels.read_pixels`. Of tables,
            numbers `[n, features]`, which are not resized.
        labels: Their labels; see `gtn_tf.data.class_labels.read_classes`.
        class_names: As for `read_classes`.
        pixel_max: As for `read_pixels`.
        image_size: Height and width that images are resized to, in pixels.
        resize: As for `gtn_tf.data.resizing.resize_pixels`.
        remarks: As for `Source`.
        feature_names: As for `Source`.

    Raises:
        DataError: If the arrays cannot be used.
    """
    size = None if image_size is None else size_of(image_size)
    tables = are_tables(images)
    if tables:
        pixels, brightest, size = read_parts(images, pixel_max), 1.0, None
    else:
        pixels, brightest = read_pixels(images, pixel_max)
    numbers, names = read_classes(labels, class_names)
    sizes: Sizes = {}
    for part, given in pixels.items():
        if len(given) != len(numbers[part]):
            raise DataError(
                f"{part}: expected one label per image, received {len(given)} images "
                f"and {len(numbers[part])} labels"
            )
        if not tables:
            height, width = given.shape[1:3]
            sizes[height, width] = sizes.get((height, width), 0) + len(given)
    if size is None and len(sizes) > 1:
        found = ", ".join(f"{height} x {width}" for height, width in sizes)
        raise DataError(
            f"images: expected one size in all parts, received {found}; give image_size"
        )
    if size is not None:
        pixels = {part: resize_pixels(x, size, resize) for part, x in pixels.items()}
    parts = {part: LabelledImages(x, numbers[part]) for part, x in pixels.items()}
    if not tables:
        parts = without_copies(parts)
    return Source(
        *(name, kind, names, brightest, parts, sizes, tuple(remarks), resize),
        feature_names=feature_names,
    )


def with_all_parts(
    source: Source,
    seed: int = 0,
    validation_split: float = 0.1,
    test_split: float = 0.2,
) -> Source:
    """Holds the missing parts out of the training part, a share of every class.

    Args:
        source: A data set.
        seed: Decides which images validate, but never which ones test: a teacher of
            one seed would be tested on what it was trained on by another.
        validation_split: Share of the training images, without those of the test.
        test_split: Share of the training images.

    Returns:
        The data set with all three parts.

    Raises:
        DataError: If there are too few images.
    """
    parts = dict(source.parts)
    remarks = list(source.remarks)
    for part, share, state in (
        ("test", test_split, _TEST_STATE),
        ("validation", validation_split, seed),
    ):
        if not 0 < share < 1:
            raise ArgumentError(
                f"{part}_split: expected a number above 0 and below 1, received {share}"
            )
        if part in parts:
            continue
        parts["train"], parts[part] = hold_out_share(parts["train"], share, state)
        count = len(parts[part].labels)
        if not count:
            raise DataError(
                f"{source.name}: expected classes of several images, to hold some out "
                f"for a {part} part, received one image of each; add images"
            )
        noun = "examples" if is_vector(source.image_shape) else "images"
        remarks.append(f"no {part} part: {count} training {noun} are held out for it")
    ordered = {part: parts[part] for part in PARTS}
    return replace(source, parts=ordered, remarks=tuple(remarks))


def splits_of(
    source: Source,
    *,
    seed: int = 0,
    batch_size: int | None = None,
    augment: Sequence[str] = (),
    cutout: int = 0,
    validation_split: float = 0.1,
    test_split: float = 0.2,
) -> Splits:
    """Completes and normalises a data set.

    Args:
        source: The data set.
        seed: As for `with_all_parts` and `Splits`.
        batch_size: As for `Splits`; by default 128, or all where there are fewer.
        augment: As for `Splits`.
        cutout: As for `Splits`.
        validation_split: As for `with_all_parts`.
        test_split: As for `with_all_parts`.

    Returns:
        The splits. What was left out or changed is logged.

    Raises:
        DataError: If there are too few images, or a channel is constant.
        ArgumentError: If an option does not fit the data.
    """
    expect_options(seed, augment, cutout)
    whole = with_all_parts(source, seed, validation_split, test_split)
    for remark in whole.remarks:
        # What is as documented is no reason to worry.
        level = logging.WARNING if remark in source.remarks else logging.INFO
        _LOG.log(level, "%s: %s", whole.name, remark)
    if batch_size is None:
        batch_size = min(_BATCH, len(whole.parts["train"].labels))
    # A name of the catalog stands for its own files, here and in a teacher.
    name = f"{source.name} (own)" if source.name in DATASETS else source.name
    splits = normalised_splits(
        name,
        whole.class_names,
        whole.parts,
        whole.pixel_max,
        seed=seed,
        batch_size=batch_size,
        augment=augment,
        cutout=cutout,
        resize=source.resize,
        feature_names=source.feature_names,
    )
    if is_vector(splits.image_shape):
        for feature in constant_features(
            np.asarray(splits.train_images), splits.feature_names
        ):
            _LOG.warning("%s: %s", name, same_everywhere(feature))
    return splits


def same_everywhere(feature: str) -> str:
    """What is told of a constant feature.

    Args:
        feature: Its name.

    Example:

    >>> same_everywhere("ash")[:43]
    'feature ash has one value in all training e'
    """
    return (
        f"feature {cut(feature)} has one value in all training examples and teaches "
        "nothing: it is 0 after standardisation"
    )
