"""Any image classification of tensorflow-datasets, by its name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gtn_tf.data.class_folders import PART_NAMES
from gtn_tf.data.errors import DataError
from gtn_tf.data.memory import expect_fits
from gtn_tf.data.resizing import ImageSize, resize_pixels, size_of
from gtn_tf.data.source import Sizes, Source, source_of_arrays
from gtn_tf.errors import ArgumentError, did_you_mean, first_line, shown
from gtn_tf.names import TFDS, is_tfds_name


def read_tfds(
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    image_size: ImageSize | None = None,
    resize: str = "area",
) -> Source:
    """Reads a data set of tensorflow-datasets; it is downloaded, if it is not there.

    Only what the installed package knows is read, or what is prepared in `data_dir`:
    no community's code is fetched.

    Args:
        name: `"tfds:svhn_cropped"`; a config and a version may follow, as in
            `"tfds:emnist/letters:3.1.0"`.
        data_dir: Folder of tensorflow-datasets; by default its own.
        image_size: Height and width that images are resized to, in pixels, or one
            number for squares; by default they have to have one size.
        resize: As for `gtn_tf.data.resizing.resize_pixels`.

    Returns:
        The data set. Its parts are those called train, test and validation; images
        without a label, and classes without training images, are left out.

    Raises:
        DataError: If there is no such data set, if it is not there and cannot be
            downloaded, or if it is no classification of images.
        ArgumentError: If an option does not fit it.
    """
    if not is_tfds_name(name):
        raise ArgumentError(
            f"expected {TFDS} and a name, with /config and :1.0.0 if you like, "
            f"received {shown(name)}",
            "name",
        )
    size = None if image_size is None else size_of(image_size)
    builder = _prepared(name, data_dir)
    image_key, label_key = _keys(builder.info, name)
    image, label = (builder.info.features[key] for key in (image_key, label_key))
    parts = _parts(builder, name)
    counts = {part: split.num_examples for part, split in parts.items()}
    if size is None and None in image.shape[:2]:
        raise DataError(
            f"{name}: expected images of one size, received some of several; give "
            "image_size, such as 32"
        )
    height, width = size or image.shape[:2]
    channels = image.shape[2] or 3
    expect_fits([sum(counts.values()), height, width, channels])
    images, labels, sizes = {}, {}, Sizes()
    for part, split in parts.items():
        images[part] = np.empty([counts[part], height, width, channels], image.np_dtype)
        labels[part] = np.empty([counts[part]], np.int64)
        stream = builder.as_dataset(split=split.name)
        for n, example in enumerate(stream.as_numpy_iterator()):
            pixels = example[image_key]
            own = pixels.shape[:2]
            sizes[own] = sizes.get(own, 0) + 1
            resized = resize_pixels(pixels[np.newaxis], (height, width), resize)
            images[part][n] = resized[0]
            labels[part][n] = example[label_key]
    images, labels, names, remarks = _with_classes(images, labels, label.names)
    try:
        source = source_of_arrays(
            name,
            "tensorflow-datasets",
            images,
            labels,
            class_names=names,
            remarks=[*remarks],
        )
    except DataError as error:
        raise DataError(f"{name}: {error}") from None
    return replace(source, sizes=sizes, resize=resize)


def _prepared(name: str, data_dir: str | os.PathLike[str] | None) -> Any:
    """The builder of a data set whose files are there."""
    wanted = name[len(TFDS) :]
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise DataError(
            f"{name}: expected the package tensorflow-datasets, received: "
            f"{first_line(error)}; install it"
        ) from None
    folder = None if data_dir is None else os.fspath(Path(data_dir).expanduser())
    base = wanted.split("/")[0].split(":")[0]
    known = tfds.list_builders(with_community_datasets=False)
    if base not in known and not (folder and (Path(folder) / base).is_dir()):
        raise DataError(
            f"{name}: tensorflow-datasets {tfds.__version__} has no {shown(base)}"
            f"{did_you_mean(base, known)}"
        )
    try:
        builder = tfds.builder(wanted, data_dir=folder)
        builder.download_and_prepare()
    except Exception as error:  # A download can fail in any way.
        raise DataError(
            f"{name}: not in {folder or '~/tensorflow_datasets'}, and cannot be "
            f"prepared: {first_line(error)}; where there is a network, `tfds build "
            f"{wanted}` makes it, and --data-dir names its folder"
        ) from None
    return builder


def _keys(info: Any, name: str) -> tuple[str, str]:
    """Which features are the image and its class."""
    import tensorflow_datasets as tfds

    features = info.features
    in_a_dict = isinstance(features, tfds.features.FeaturesDict)
    flat = dict(features.items()) if in_a_dict else {}
    asked = [key for key in info.supervised_keys or flat if isinstance(key, str)]

    def of_kind(kind: type) -> list[str]:
        found = [key for key in flat if isinstance(flat[key], kind)]
        # Where there are several, those that are meant for training.
        return found if len(found) < 2 else [key for key in found if key in asked]

    images, labels = of_kind(tfds.features.Image), of_kind(tfds.features.ClassLabel)
    if len(images) != 1 or len(labels) != 1:
        kinds = ", ".join(f"{key} ({type(x).__name__})" for key, x in flat.items())
        raise DataError(
            f"{name}: expected an image and its class, received the features "
            f"{kinds or type(features).__name__}; choose a data set of image "
            "classification"
        )
    return images[0], labels[0]


def _parts(builder: Any, name: str) -> dict[str, Any]:
    """Its splits by the name that they have here."""
    found = {
        part: builder.info.splits[word]
        for part, words in PART_NAMES.items()
        for word in reversed(words)
        if word in builder.info.splits
    }
    if "train" not in found:
        raise DataError(
            f"{name}: expected a split called train, received "
            f"{', '.join(builder.info.splits) or 'none'}; choose another data set"
        )
    return found


def _with_classes(
    images: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    names: list[str],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], list[str], tuple[str, ...]]:
    """Leaves out what has no label, and numbers the classes that are left."""
    train = labels["train"]
    used = np.unique(train[train >= 0])
    numbers = np.full(len(names) + 1, -1)  # the last one is of -1, no label
    numbers[used] = np.arange(len(used))
    kept_images, kept_labels = {}, {}
    remarks = [*_unused(names, used)]
    for part, given in labels.items():
        numbered = numbers[given]
        kept = numbered >= 0
        if not kept.all():
            remarks.append(
                f"{len(kept) - kept.sum()} of {len(kept)} {part} images have no label, "
                "or a class without training images, and are left out"
            )
        if kept.any():
            kept_images[part] = images[part] if kept.all() else images[part][kept]
            kept_labels[part] = numbered[kept]
    return kept_images, kept_labels, [names[n] for n in used], tuple(remarks)


def _unused(names: list[str], used: np.ndarray) -> Iterator[str]:
    count = len(names) - len(used)
    if count:
        first = next(name for n, name in enumerate(names) if n not in used)
        yield (
            f"{count} classes have no training images and are left out, such as {first}"
        )
