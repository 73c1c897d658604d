"""Facts about each data set, known before any of its files is read."""

from __future__ import annotations

from dataclasses import dataclass

from gtn_tf.names import DATASETS

MOST_IMAGES = 10**6  # in a file; one that claims more is not read


@dataclass(frozen=True)
class Entry:
    """The fixed facts of one data set.

    Args:
        name: Name of the data set, the same as in tensorflow-datasets.
        image_shape: `(height, width, channels)` of one image, in pixels; `(features,)`
            of a line of a table.
        class_names: One name per label, in the order of the labels.
        pixel_max: Pixel value that becomes 1.0 when pixels are scaled to 0..1.
        validation_size: Training images held out for validation by default.
        source: Where to get the files, for error messages.
        mirrorable: Whether mirrored images keep their class.

    Example:

    >>> from gtn_tf.data.catalog import find_entry
    >>> find_entry("mnist").image_shape
    (28, 28, 1)
    """

    name: str
    image_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    pixel_max: int
    validation_size: int
    source: str
    mirrorable: bool = False


_NUMERALS = tuple("0123456789")
_CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_THINGS = (
    "airplane", "automobile", "bird", "cat", "deer",
    "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip

DIGITS = Entry(
    name="digits",
    image_shape=(8, 8, 1),
    class_names=_NUMERALS,
    pixel_max=16,
    validation_size=180,
    source="scikit-learn, which contains them",
)
MNIST = Entry(
    name="mnist",
    image_shape=(28, 28, 1),
    class_names=_NUMERALS,
    pixel_max=255,
    validation_size=10_000,
    source="Yann LeCun's MNIST IDX files or a mirror of them, such as "
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
FASHION_MNIST = Entry(
    name="fashion_mnist",
    image_shape=(28, 28, 1),
    class_names=_CLOTHES,
    pixel_max=255,
    validation_size=10_000,
    source="https://github.com/zalandoresearch/fashion-mnist",
)
CIFAR10 = Entry(
    name="cifar10",
    image_shape=(32, 32, 3),
    class_names=_THINGS,
    pixel_max=255,
    validation_size=5_000,
    source="https://www.cs.toronto.edu/~kriz/cifar.html, saved as one npz "
    "with the keys x_train, y_train, x_test, y_test",
    mirrorable=True,
)
WINE = Entry(
    name="wine",
    image_shape=(13,),
    class_names=("class_0", "class_1", "class_2"),
    pixel_max=1,
    validation_size=18,
    source="scikit-learn, which contains it",
)
BREAST_CANCER = Entry(
    name="breast_cancer",
    image_shape=(30,),
    class_names=("malignant", "benign"),
    pixel_max=1,
    validation_size=46,
    source="scikit-learn, which contains it",
)


def find_entry(name: str) -> Entry:
    """Looks up a data set by name.

    Args:
        name: One of `gtn_tf.names.DATASETS`.

    Returns:
        The facts of that data set.

    Raises:
        ValueError: No data set has that name.

    Example:

    >>> from gtn_tf.data.catalog import find_entry
    >>> find_entry("cifar10").class_names[3]
    'cat'
    """
    return DATASETS.load(name)
