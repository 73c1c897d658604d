"""What may be wrong with a data set that can be used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from gtn_tf.accuracy import are_uneven
from gtn_tf.data.features import constant_features
from gtn_tf.data.source import PARTS, same_everywhere
from gtn_tf.data.splits import Splits
from gtn_tf.shapes import is_vector

_FEW = 10  # training images of a class
_SHOWN = 5  # classes named in a sentence


def find_problems(splits: Splits) -> list[str]:
    """Looks for uneven or missing classes, constant features and repeated images.

    Args:
        splits: The data set.

    Returns:
        A sentence for each problem.

    Example:

    >>> from gtn_tf import data
    >>> find_problems(data.load("digits"))
    []
    """
    found = [*_of_classes(splits), *_of_features(splits), *_of_repeats(splits)]
    if is_vector(splits.image_shape):
        return [one.replace(" images", " examples") for one in found]
    return found


def _of_features(splits: Splits) -> Iterator[str]:
    if is_vector(splits.image_shape):
        table, names = np.asarray(splits.train_images), splits.feature_names
        yield from map(same_everywhere, constant_features(table, names))


def counts(splits: Splits) -> dict[str, np.ndarray]:
    """How many images of each class each part has, `[classes]`.

    Args:
        splits: The data set.
    """
    return {
        part: np.bincount(
            getattr(splits, f"{part}_labels"), minlength=splits.num_classes
        )
        for part in PARTS
    }


def _of_classes(splits: Splits) -> Iterator[str]:
    names, found = splits.class_names, counts(splits)
    train = found["train"]
    least, most = int(train.argmin()), int(train.argmax())
    if are_uneven(splits.train_labels):
        yield (
            f"classes are uneven, from {train[least]} ({names[least]}) to "
            f"{train[most]} training images ({names[most]}): lessons stay balanced"
        )
    if are_uneven(splits.test_labels):
        yield (
            "classes of the test part are uneven: results have the balanced accuracy, "
            "the mean over classes, beside the accuracy, which counts large ones more"
        )
    few = np.flatnonzero(train < _FEW)
    if len(few):
        yield f"fewer than {_FEW} training images of {_listed(names, few)}"
    for part in ("validation", "test"):
        missing = np.flatnonzero(found[part] == 0)
        if len(missing):
            yield f"no {part} images of {_listed(names, missing)}"


def _listed(names: Sequence[str], classes: np.ndarray) -> str:
    shown = ", ".join(names[n] for n in classes[:_SHOWN])
    more = f" and {len(classes) - _SHOWN} more" if len(classes) > _SHOWN else ""
    return f"{len(classes)} of {len(names)} classes: {shown}{more}"


def _of_repeats(splits: Splits) -> Iterator[str]:
    prints = {
        part: [_print(image) for image in getattr(splits, f"{part}_images")]
        for part in PARTS
    }
    for one, other in (
        ("test", "train"),
        ("validation", "train"),
        ("test", "validation"),
    ):
        known = {*prints[other]}
        both = [n for n, x in enumerate(prints[one]) if x in known]
        if both:
            label = getattr(splits, f"{one}_labels")[both[0]]
            where = "training" if other == "train" else other
            yield (
                f"{len(both)} {one} images are {where} images, too, such as number "
                f"{both[0]} ({splits.class_names[label]})"
            )
    labels: dict[bytes, int] = {}
    of_two = []
    for x, label in zip(prints["train"], splits.train_labels.tolist()):
        if labels.setdefault(x, label) != label:
            of_two.append((labels[x], label))
    if of_two:
        a, b = (splits.class_names[label] for label in of_two[0])
        yield (
            f"{len(of_two)} training images are of two classes at once, such as {a} "
            f"and {b}"
        )


def _print(image: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
