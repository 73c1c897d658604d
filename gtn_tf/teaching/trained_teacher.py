"""A trained teacher: its lessons, the optimizer it learned, its description."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.atomic_file import whole_folder
from gtn_tf.data import Augmentation, DataError
from gtn_tf.data.features import read_features, standardise
from gtn_tf.data.raw_pictures import prepare_pictures
from gtn_tf.errors import ArgumentError
from gtn_tf.labels import classes_of_lessons
from gtn_tf.shapes import is_vector, with_channels
from gtn_tf.teaching.curriculum_adaptive import (
    CurriculumAdam,
    CurriculumLAMB,
    CurriculumRMSProp,
)
from gtn_tf.teaching.curriculum_sgd import CurriculumSGD
from gtn_tf.teaching.description import (
    augmentation_of,
    check_description,
    inner_optimizer_entry,
    inner_optimizer_of,
)
from gtn_tf.teaching.errors import TeacherError
from gtn_tf.teaching.lessons import write_lessons
from gtn_tf.teaching.pixels import scaled_to_1

CLIPNORM = 0.5  # of the gradient of each weight tensor
_ROUNDING = 1e-3  # of probabilities

# By kind of the inner optimizer.
_OPTIMIZERS: dict[str, Any] = {
    one.learned.kind: one
    for one in (CurriculumSGD, CurriculumAdam, CurriculumLAMB, CurriculumRMSProp)
}


@dataclass(frozen=True, eq=False)
class TrainedTeacher:
    """A trained teacher, from `load_teacher`.

    Args:
        description: Facts about the teacher: `image_shape`, `class_names`, `steps`,
            `batch_size`, `resize` (`"area"`, `"crop"` or `"pad"`), `normalization`
            (`mean` and `std` per channel, for pixels scaled to 0..1), `augmentation`,
            `inner_optimizer`, `accuracy`, `learners`, `versions` and more.
        images: float32 `[steps, batch, h, w, c]`, normalised.
        labels: int32 `[steps, batch]`, or learned probabilities of the classes,
            float32 `[steps, batch, k]`.
        hyperparameters: Those of the inner optimizer, by name, each float32 `[steps]`:
            `learning_rates` and, of SGD, `momenta`.
        source: Where it came from, for messages.
        make_images: Makes images `[n, h, w, c]` for int32 labels `[n]` and a seed
            `[2]`, if the teacher can make more than its lessons.

    Raises:
        TeacherError: If the parts do not fit each other.

    Example:

    >>> import gtn_tf
    >>> teacher = gtn_tf.load_teacher("digits")
    >>> teacher.description["image_shape"]
    [8, 8, 1]
    """

    description: dict[str, Any]
    images: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    hyperparameters: Mapping[str, np.ndarray] = field(repr=False)
    source: str = "teacher"
    make_images: Callable[..., Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        try:
            about = check_description(self.description)
        except ValueError as error:
            raise TeacherError(f"{self.source}: {error}") from None
        steps, batch = about["steps"], about["batch_size"]
        soft = np.ndim(self.labels) == 3
        shapes = {
            "images": (steps, batch, *about["image_shape"]),
            "labels": (steps, batch, len(self.class_names))[: 2 + soft],
            **dict.fromkeys(inner_optimizer_of(about).values, (steps,)),
        }
        arrays = self.arrays
        if set(arrays) != set(shapes):
            raise TeacherError(
                f"{self.source}: expected the arrays {', '.join(shapes)}, received "
                f"{', '.join(arrays)}"
            )
        for name, shape in shapes.items():
            whole = name == "labels" and not soft
            kind = np.integer if whole else np.floating
            array = arrays[name]
            if array.shape != shape or not np.issubdtype(array.dtype, kind):
                raise TeacherError(
                    f"{self.source}: expected {name} to be {kind.__name__} "
                    f"{list(shape)}, received {array.dtype} {list(array.shape)}"
                )
            if not np.all(np.isfinite(array)):
                raise TeacherError(
                    f"{self.source}: expected finite {name}, received infinite ones "
                    "or ones that are not a number"
                )
        most = 1.0 + _ROUNDING if soft else len(self.class_names) - 1
        if self.labels.min() < 0 or self.labels.max() > most:
            raise TeacherError(
                f"{self.source}: expected labels from 0 to {most:.0f}, received "
                f"{self.labels.min()} to {self.labels.max()}"
            )
        if soft and np.any(np.abs(self.labels.sum(axis=-1) - 1) > _ROUNDING):
            raise TeacherError(
                f"{self.source}: expected probabilities that sum to 1 as labels, "
                f"received sums up to {self.labels.sum(axis=-1).max()}"
            )

    @property
    def steps(self) -> int:
        """Batches of the curriculum; T in the paper."""
        return self.description["steps"]

    @property
    def image_shape(self) -> tuple[int, ...]:
        """`(height, width, channels)` of an image, or `(features,)` of a table."""
        return tuple(self.description["image_shape"])

    @property
    def feature_names(self) -> list[str]:
        """Names of the columns of a table, in their order; empty if it had none."""
        return self.description.get("feature_names") or []

    @property
    def class_names(self) -> list[str]:
        """One for each class, in the order of the labels."""
        return self.description["class_names"]

    @property
    def classes(self) -> np.ndarray:
        """The class of each image, `[steps, batch]`: of soft labels, the likeliest."""
        return classes_of_lessons(self.labels)

    @property
    def augmentation(self) -> Augmentation:
        """How learners see the lessons; the arrays are as they are before it."""
        return augmentation_of(self.description)

    @property
    def learning_rates(self) -> np.ndarray:
        """float32 `[steps]`."""
        return self.hyperparameters["learning_rates"]

    @property
    def momenta(self) -> np.ndarray:
        """float32 `[steps]`.

        Raises:
            TeacherError: If the inner optimizer is not SGD.
        """
        if "momenta" not in self.hyperparameters:
            raise TeacherError(
                f"{self.source}: expected SGD, received an optimizer with "
                f"{', '.join(self.hyperparameters)}"
            )
        return self.hyperparameters["momenta"]

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Images, labels and hyperparameters, by name."""
        hyperparameters = dict(sorted(self.hyperparameters.items()))
        return {"images": self.images, "labels": self.labels, **hyperparameters}

    def values_of(self, step: int) -> dict[str, float]:
        """The hyperparameters of a step, such as its `learning_rate`.

        Args:
            step: Counted from 0.
        """
        named = inner_optimizer_of(self.description).values
        return {
            named[name].name: float(values[step])
            for name, values in self.hyperparameters.items()
        }

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that stand for lessons and hyperparameters."""
        found = hashlib.sha256()
        for array in self.arrays.values():
            found.update(f"{array.dtype} {array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
        if not self.augmentation.is_none:
            found.update(str(self.augmentation).encode())
        return found.hexdigest()[:12]

    def as_dataset(self, seed: int = 0, epochs: int = 1) -> tf.data.Dataset:
        """The lessons in their order, `(images, labels)` for each step.

        Args:
            seed: Of the augmentation, if the teacher has one. Its draws are the same
                whenever the dataset is read.
            epochs: How often the lessons are given, each time augmented anew.
        """
        dataset = tf.data.Dataset.from_tensor_slices(self.unaugmented()).repeat(epochs)
        if not self.augmentation.is_none:
            key = _key(seed)

            def augmented(step: tf.Tensor, lesson: tuple[tf.Tensor, ...]) -> Any:
                images = self.augmentation(lesson[0][tf.newaxis], key, step[tf.newaxis])
                return (images[0], *lesson[1:])

            dataset = dataset.enumerate().map(augmented, tf.data.AUTOTUNE)
        return dataset.prefetch(tf.data.AUTOTUNE)

    def lessons(self, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """What `as_dataset(seed)` gives, as arrays.

        Args:
            seed: Of the augmentation, if the teacher has one.

        Returns:
            Images `[steps, batch, h, w, c]` and labels, as the teacher's.
        """
        images, labels = self.unaugmented()
        steps = tf.range(self.steps)
        images = self.augmentation(tf.constant(images), _key(seed), steps).numpy()
        return images, labels

    def unaugmented(self) -> tuple[np.ndarray, np.ndarray]:
        """The lessons as they are stored, in the types in which they are taught.

        Returns:
            Images, float32 `[steps, batch, h, w, c]`, and labels, int32
            `[steps, batch]` or float32 `[steps, batch, k]`.
        """
        kind = np.float32 if self.labels.ndim == 3 else np.int32
        return self.images.astype(np.float32), self.labels.astype(kind)

    def optimizer(self, **kwargs: Any) -> tf.keras.optimizers.Optimizer:
        """The inner optimizer with the learned hyperparameters, for Keras.

        Learning rates learned on networks with norms in every layer are too large for
        others, unless gradients are clipped. So the gradient of each weight tensor is
        clipped to a norm of 0.5; `clipnorm=None` gives the plain update of
        meta-training.

        Args:
            **kwargs: Passed to the optimizer, such as `weight_decay=1e-4`.
        """
        if not {"global_clipnorm", "clipvalue"} & set(kwargs):  # Keras takes one
            kwargs = {"clipnorm": CLIPNORM, **kwargs}
        settings = {**inner_optimizer_entry(self.description)}
        kind = _OPTIMIZERS[settings.pop("name")]
        return kind(**self.hyperparameters, **settings, **kwargs)

    def repeated(self, steps: int) -> TrainedTeacher:
        """A teacher of more steps: the curriculum repeated, at lower rates.

        The learned rates end high. Divided by the number of the pass, they let a
        network converge: in a pilot, scores of architectures after four passes agreed
        better with their accuracies than after one.

        Args:
            steps: Number of steps of the new teacher; may be smaller, too.

        Example:

        >>> import gtn_tf
        >>> gtn_tf.load_teacher("digits").repeated(30).images.shape[:2]
        (30, 32)
        """
        at = np.arange(steps) % self.steps
        passes = np.arange(steps) // self.steps
        hyperparameters = {name: x[at] for name, x in self.hyperparameters.items()}
        rates = hyperparameters["learning_rates"] / (1 + passes)
        hyperparameters["learning_rates"] = rates.astype(np.float32)
        return dataclasses.replace(
            self,
            description={**self.description, "steps": steps},
            images=self.images[at],
            labels=self.labels[at],
            hyperparameters=hyperparameters,
        )

    def normalise(self, pixels: np.ndarray | tf.Tensor) -> np.ndarray | tf.Tensor:
        """Normalises real images as the teacher's own.

        Args:
            pixels: `[..., h, w, c]`, or `[..., h, w]` if the teacher's are grey: floats
                from 0 to 1, or uint8 or uint16, which are divided by the largest value
                of their type. Of a table, features `[..., features]` as they were
                measured. An array, or a tensor, also within `dataset.map`.

        Returns:
            float32 `[..., h, w, c]` or `[..., features]`; a tensor if the pixels are
            one.

        Raises:
            TeacherError: If the images have another shape or other values, or if the
                teacher does not know how its images were normalised.
            tf.errors.InvalidArgumentError: For other values within `dataset.map`.
        """
        if is_vector(self.image_shape):
            return self._standardise(pixels)
        mean, std = self.scale()
        try:
            pixels = with_channels(scaled_to_1(pixels), self.image_shape)
        except ArgumentError as error:
            raise TeacherError(str(error)) from None
        if tf.is_tensor(pixels):
            return (pixels - mean.astype(np.float32)) / std.astype(np.float32)
        return ((pixels - mean) / std).astype(np.float32)

    def _standardise(self, features: np.ndarray | tf.Tensor) -> np.ndarray | tf.Tensor:
        if not tf.is_tensor(features):
            features = np.asarray(features)
        try:
            features, scale = with_channels(features, self.image_shape), self.scale()
            if not tf.is_tensor(features):
                return standardise(features, *scale)
        except (ArgumentError, DataError) as error:
            raise TeacherError(str(error)) from None
        scaled = (tf.cast(features, tf.float64) - scale[0]) / scale[1]
        return tf.cast(scaled, tf.float32)

    def preprocess(
        self,
        pixels: np.ndarray | Sequence[np.ndarray],
        pixel_max: float | None = None,
    ) -> np.ndarray:
        """Turns raw pictures of any size into what the teacher's learners take.

        They are converted between grey and colour where that is needed (transparent
        parts become white), resized as the teacher's own data was, and normalised.
        Within `dataset.map`, `normalise` takes pictures that have the size already.
        Lines of a table are standardised.

        Args:
            pixels: Lines `[n, features]` of a table, in the order of `feature_names`; a
                batch `[n, h, w]` or `[n, h, w, c]`, or a list of pictures
                `[h, w]` and `[h, w, c]` of any sizes: uint8, uint16, bool, or floats
                from 0 to 1 or 0 to 255.
            pixel_max: Value of the brightest pixel, if it is not what the type says,
                such as 16 of scikit-learn's digits.

        Returns:
            float32 `[n, *image_shape]`: of the pictures that it was trained on, what
            the training made of them.

        Raises:
            DataError: If they are no pictures, or their channels cannot be converted.
            TeacherError: If the teacher does not know how its images were normalised.

        Example:

        >>> import gtn_tf
        >>> teacher = gtn_tf.load_teacher("digits")
        >>> photo, scan = np.zeros([60, 80, 3], np.uint8), np.ones([8, 9])
        >>> teacher.preprocess([photo, scan]).shape
        (2, 8, 8, 1)
        """
        if is_vector(self.image_shape):
            return np.asarray(self._standardise(read_features(pixels, pixel_max)))
        how = self.description.get("resize") or "area"  # None: of an earlier version
        return prepare_pictures(pixels, self.image_shape, *self.scale(), how, pixel_max)

    def scale(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each channel, for pixels from 0 to 1.

        Of a table, those of each feature.

        Raises:
            TeacherError: If the teacher does not know them.
        """
        scale = self.description["normalization"]
        if scale is None:
            raise TeacherError(
                f"{self.source}: the export does not say how images were normalised; "
                "gtn.export(path, splits) writes it down"
            )
        return np.array(scale["mean"]), np.array(scale["std"])

    def generate(self, labels: Sequence[int] | np.ndarray, seed: int = 0) -> np.ndarray:
        """Makes images of given classes.

        Args:
            labels: `[n]`.
            seed: Each gives other images; those of one seed do not depend on the
                other labels.

        Returns:
            Normalised images `[n, h, w, c]`.

        Raises:
            TeacherError: If a label is out of range, or if the teacher came from an
                npz file, which only holds the lessons.
        """
        if self.make_images is None:
            raise TeacherError(
                f"{self.source}: holds the lessons alone; new images need a SavedModel"
            )
        asked, last = np.asarray(labels), len(self.class_names) - 1
        whole = asked.ndim == 1 and np.issubdtype(asked.dtype, np.integer)
        if not whole or (asked.size and not 0 <= asked.min() <= asked.max() <= last):
            raise TeacherError(
                f"labels: expected a list of integers from 0 to {last}, received "
                f"{np.array2string(asked, threshold=10)}"
            )
        seeds = tf.constant([0, seed % 2**31], tf.int32)
        return self.make_images(tf.constant(asked, tf.int32), seeds).numpy()

    def save_npz(self, path: str | os.PathLike[str]) -> None:
        """Writes the lessons as arrays, for users of any framework.

        The keys are `images`, `labels`, those of `hyperparameters`, and `description`,
        a JSON string. `load_teacher` reads the file, too.

        Args:
            path: The file; its folder is made.
        """
        write_lessons(Path(path).expanduser(), self.description, self.arrays)

    def copy_saved_model(self, path: str | os.PathLike[str]) -> None:
        """Copies the SavedModel that this teacher was loaded from.

        Args:
            path: The new folder, such as `"served/mnist_teacher/1"`.

        Raises:
            TeacherError: If the teacher came from an npz file, or if there is
                something at `path`.
        """
        if not os.path.isdir(self.source):
            raise TeacherError(f"{self.source}: expected a SavedModel to copy")
        path = os.path.expanduser(os.fspath(path))
        if os.path.exists(path):
            raise TeacherError(
                f"{path}: expected a new folder, found one; choose another"
            )
        with whole_folder(path) as unfinished:
            shutil.copytree(self.source, unfinished)


def _key(seed: int) -> tf.Tensor:
    """The seed of an augmentation, int32 `[2]`, from any integer."""
    return tf.constant([0, seed % 2**31], tf.int32)
