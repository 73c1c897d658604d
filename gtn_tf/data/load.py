"""Loads a data set by name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gtn_tf.data import resizing
from gtn_tf.data.catalog import Entry, find_entry
from gtn_tf.data.digits import read_digits
from gtn_tf.data.downloads import download
from gtn_tf.data.files import read_files
from gtn_tf.data.labelled import Parts
from gtn_tf.data.preparation import prepare
from gtn_tf.data.resizing import ImageSize, expect_resizable, size_of
from gtn_tf.data.sklearn_tables import read_sklearn_table
from gtn_tf.data.source import splits_of
from gtn_tf.data.splits import Splits, expect_options
from gtn_tf.data.tfds_source import read_tfds
from gtn_tf.errors import ArgumentError, shown
from gtn_tf.names import DATASETS, is_tfds_name
from gtn_tf.shapes import is_vector


def load(
    name: str = "digits",
    *,
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    augment: Sequence[str] = (),
    cutout: int = 0,
    validation_size: int | None = None,
    image_size: ImageSize | None = None,
    resize: str = "area",
) -> Splits:
    """Loads a data set, split into training, validation and test images.

    `digits` comes with scikit-learn, and so do the tables `wine` and `breast_cancer`,
    whose features are standardised one by one. `mnist`, `fashion_mnist` and `cifar10`
    are read from files in `data_dir`, or else in the folder that the environment
    variable `GTN_TF_DATA` names; if neither is given, tensorflow-datasets downloads
    them.
    `"tfds:svhn_cropped"` is any image classification of tensorflow-datasets; config
    and version may follow, as in `"tfds:emnist/letters:3.1.0"`.

    Args:
        name: `"digits"`, `"mnist"`, `"fashion_mnist"`, `"cifar10"`, `"wine"`,
            `"breast_cancer"`, or `"tfds:"` and a name.
        data_dir: Folder with the files, directly or in a folder called `name`: the
            four IDX files of MNIST or Fashion-MNIST, or one npz file. Of `"tfds:"`,
            the folder of tensorflow-datasets; by default its own.
        seed: Decides the validation split, the order of the training images and
            their augmentation, but never the test split; 0 to 2**32 - 1.
        batch_size: Images per training batch; by default 128, or all where there are
            fewer.
        augment: How training images are augmented at random, each on its own: a list
            of some of `"shift"` (up to 4 pixels), `"mirror"` (left to right; not of
            `digits`, `mnist` and `fashion_mnist`), `"rotate"` (up to 15 degrees) and
            `"colour"` (brightness, contrast and, of three channels, saturation).
        cutout: Side of a square that covers each training image at random, in pixels;
            0 for none.
        validation_size: Images of the training part held out for validation;
            by default 180 for `digits`, 5,000 for `cifar10`, 18 for `wine`, 46 for
            `breast_cancer`, 10,000 for the others.
            Of `"tfds:"` a tenth, if it has no validation images of its own.
        image_size: Height and width in pixels that images are resized to, or one
            number for squares; by default they keep their size.
        resize: How, where the shape changes: `"area"`, `"crop"` or `"pad"`; see
            `gtn_tf.data.from_arrays`.

    Returns:
        The splits, with images normalised by the statistics of the training split.

    Raises:
        ValueError: The name is unknown, or an argument does not fit the data set.
        DataError: The data is missing or damaged.

    Example:

    >>> from gtn_tf import data
    >>> splits = data.load("digits", seed=1)
    >>> splits.train_images.shape, splits.test_images.shape
    ((1257, 8, 8, 1), (360, 8, 8, 1))
    """
    expect_options(seed, augment, cutout)
    if is_tfds_name(name):
        if validation_size is not None:
            raise ArgumentError(
                f"validation_size: expected none for {name}, received "
                f"{validation_size}; leave it out"
            )
        return splits_of(
            read_tfds(name, data_dir, image_size, resize),
            seed=seed,
            batch_size=batch_size,
            augment=augment,
            cutout=cutout,
        )
    entry = find_entry(name)
    if "mirror" in augment and not entry.mirrorable:
        possible = ", ".join(n for n in DATASETS if find_entry(n).mirrorable)
        raise ArgumentError(
            f"augment: expected no mirror for {name}, whose images may not be "
            f"mirrored (those of {possible} may), received {shown([*augment])}",
            "augment",
        )
    expect_resizable(entry.image_shape, image_size, resize)
    size = None if image_size is None else size_of(image_size)
    names: tuple[str, ...] = ()
    if is_vector(entry.image_shape):
        parts, names = read_sklearn_table(entry)
    else:
        parts = _read(entry, data_dir or os.environ.get("GTN_TF_DATA"))
    if size is not None:
        train, test = (
            resizing.resize(part, size, resize) for part in (parts.train, parts.test)
        )
        parts = parts._replace(train=train, test=test)
    if validation_size is None:
        validation_size = entry.validation_size
    if batch_size is None:
        batch_size = min(128, max(1, len(parts.train.labels) - validation_size))
    return prepare(
        entry,
        parts,
        seed=seed,
        batch_size=batch_size,
        augment=augment,
        cutout=cutout,
        validation_size=validation_size,
        resize=resize,
        feature_names=names,
    )


def _read(entry: Entry, data_dir: str | os.PathLike[str] | None) -> Parts:
    if entry.name == "digits":
        return read_digits()
    if data_dir:
        return read_files(entry, Path(data_dir).expanduser())
    return download(entry)
