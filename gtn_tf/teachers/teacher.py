"""The interface of all teachers."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import tensorflow as tf

from gtn_tf.errors import ArgumentError
from gtn_tf.shapes import ImageShape, image_shape_of


class Teacher(tf.keras.layers.Layer, abc.ABC):
    """A source of `steps` training batches for a learner.

    Args:
        image_shape: `(height, width, channels)` of an image.
        num_classes: Number of classes, `k`.
        steps: Batches, one for each inner step; T in the paper.
        batch_size: Examples in a batch.
        soft_labels: Of teachers that store their examples: above 0, labels are
            learned, `softmax(soft_labels * (one-hot + learned))`.
        **kwargs: Passed to `tf.keras.layers.Layer`.

    Raises:
        ValueError: If `steps` or `batch_size` is below 1, or `soft_labels` below 0.
    """

    stores_examples: ClassVar[bool] = False
    init = "noise"  # or "real": what the learned images started from

    def __init__(
        self,
        image_shape: ImageShape,
        num_classes: int,
        steps: int,
        batch_size: int,
        soft_labels: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if steps < 1 or batch_size < 1:
            raise ArgumentError(
                "expected at least one step and one example in a batch, received "
                f"steps={steps} and batch_size={batch_size}"
            )
        self.image_shape = image_shape_of(image_shape)
        self.num_classes = num_classes
        self.steps = steps
        self.batch_size = batch_size
        if soft_labels < 0 or (soft_labels and not self.stores_examples):
            least = "at least 0" if self.stores_examples else "0: nothing is stored"
            raise ArgumentError(
                f"soft_labels: expected {least}, received {soft_labels}"
            )
        self.soft_labels = soft_labels
        if soft_labels:
            self.label_logits = self.add_weight(
                "label_logits", [steps, batch_size, num_classes], initializer="zeros"
            )

    @abc.abstractmethod
    def batches(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Makes all batches of one learner's training.

        Args:
            seed: int32 `[2]`; the batches are a function of it.

        Returns:
            Images `[steps, batch, h, w, c]` and int32 labels `[steps, batch]`, or
            probabilities of the classes, `[steps, batch, k]`.
        """

    @abc.abstractmethod
    def batch(self, step: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Makes one batch of `batches(seed)`, or several.

        Args:
            step: int32 scalar, from 0; or a slice of steps, for estimators that
                differentiate a part of them.
            seed: int32 `[2]`.

        Returns:
            Images `[batch, h, w, c]` and int32 labels `[batch]`, or probabilities
            `[batch, k]`; of a slice, with a first axis of steps.
        """

    def prepare_to_serve(self) -> None:
        """Freezes what `serve` depends on; call it after training.

        Raises:
            ValueError: If this teacher has no images of its own.
        """

    @abc.abstractmethod
    def serve(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Makes one image for each label, after `prepare_to_serve`.

        Args:
            labels: int32 `[n]`.
            seed: int32 `[2]`.

        Returns:
            Images `[n, h, w, c]`; each depends on the seed, its label and its place,
            not on the other labels.
        """

    def even_labels(self) -> tf.Tensor:
        """Labels `k mod num_classes` over all examples, int32 `[steps, batch]`."""
        count = self.steps * self.batch_size
        return tf.reshape(
            tf.range(count) % self.num_classes, [self.steps, self.batch_size]
        )

    def stored_labels(self) -> tf.Tensor:
        """Labels of stored examples: `even_labels`, or what was learned of them."""
        labels = self.even_labels()
        if not self.soft_labels:
            return labels
        one_hot = tf.one_hot(labels, self.num_classes, dtype=self.label_logits.dtype)
        return tf.nn.softmax(self.soft_labels * (one_hot + self.label_logits))

    def stored_example(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws an example for each label, from those of `even_labels`.

        Args:
            labels: int32 `[n]`.
            seed: int32 `[2]`.

        Returns:
            Indices of examples, int32 `[n]`, from 0 to `steps * batch_size - 1`.
        """
        examples = self.steps * self.batch_size
        of_label = (examples - 1 - labels) // self.num_classes + 1  # [n]
        # The n-th draw does not depend on how many there are (tested).
        share = tf.random.stateless_uniform(tf.shape(labels), seed)
        turn = tf.cast(share * tf.cast(of_label, tf.float32), tf.int32)
        return labels + self.num_classes * tf.minimum(turn, of_label - 1)
