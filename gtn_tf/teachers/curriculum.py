"""Base of the four curricula: a generator, and its latents."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.functional import PureModel
from gtn_tf.generator import Generator
from gtn_tf.recomputed_map import recomputed_map
from gtn_tf.teachers.teacher import Teacher

ACTIVATION_BYTES = 2**31


class Curriculum(Teacher):
    """A generator teaches; subclasses choose its latents and labels.

    Each batch is normalised by its own statistics, as in the paper's generator.

    Args:
        generator: The network that makes the images.
        steps: Batches, one for each inner step; T in the paper.
        batch_size: Examples in a batch.
        activation_bytes: Memory that the generator's activations may take until its
            gradient is computed. What exceeds it is recomputed.
        **kwargs: Passed to `Teacher`.
    """

    def __init__(
        self,
        generator: Generator,
        steps: int = 32,
        batch_size: int = 64,
        activation_bytes: int = ACTIVATION_BYTES,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            generator.image_shape, generator.num_classes, steps, batch_size, **kwargs
        )
        self.generator = generator
        self.activation_bytes = activation_bytes
        self._pure = PureModel(generator)

    @abc.abstractmethod
    def inputs(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The inputs of the generator.

        Args:
            seed: int32 `[2]`.

        Returns:
            Latents `[steps, batch, latent_size]` and int32 labels `[steps, batch]`.
        """

    def targets(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """What learners are taught as labels.

        Args:
            labels: int32 `[steps, batch]`, from `inputs`.
            seed: int32 `[2]`.

        Returns:
            The labels, or probabilities `[steps, batch, k]`.
        """
        return labels

    @abc.abstractmethod
    def latents_for(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """A latent for each label, of the kind used in training.

        Args:
            labels: int32 `[n]`.
            seed: int32 `[2]`.

        Returns:
            Latents `[n, latent_size]`.
        """

    def batches(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        latents, labels = self.inputs(seed)
        together = self._steps_together()
        if together == self.steps:
            images = self._generate(self._pure.trainable, latents, labels)
            return images, self.targets(labels, seed)
        chunks = [self.steps // together, together]
        images = recomputed_map(
            self._generate,
            self._pure.trainable,
            tf.reshape(latents, [*chunks, *latents.shape[1:]]),
            tf.reshape(labels, [*chunks, *labels.shape[1:]]),
        )  # [chunks, steps / chunks, batch, h, w, c]
        images = tf.reshape(images, [self.steps, *images.shape[2:]])
        return images, self.targets(labels, seed)

    def batch(self, step: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        latents, labels = self.inputs(seed)
        images = self._generate(self._pure.trainable, latents[step], labels[step])
        return images, self.targets(labels, seed)[step]

    def prepare_to_serve(self) -> None:
        """Fixes the generator's batch norms to the mean statistics of all batches.

        A single image has no batch to be normalised by.
        """
        latents, labels = self.inputs(tf.zeros([2], tf.int32))
        of_steps = [
            self._pure(
                self._pure.trainable,
                self._pure.running,
                (latents[t], labels[t]),
                training=True,
            )[1]
            for t in range(self.steps)
        ]
        for variable, values in zip(self._pure.running, zip(*of_steps)):
            variable.assign(tf.reduce_mean(values, axis=0))

    def serve(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        latents = self.latents_for(labels, seed)
        return self.generator((latents, labels), training=False)

    def _generate(
        self, weights: Sequence[tf.Tensor], latents: tf.Tensor, labels: tf.Tensor
    ) -> tf.Tensor:
        images, _ = self._pure(
            weights, self._pure.running, (latents, labels), training=True
        )
        return images

    def _steps_together(self) -> int:
        """The largest divisor of `steps` whose activations fit."""
        one = self.generator.activation_bytes(self.batch_size)
        return max(
            n
            for n in range(1, self.steps + 1)
            if self.steps % n == 0 and (n == 1 or n * one <= self.activation_bytes)
        )

    def get_config(self) -> dict[str, Any]:
        config = {
            "generator": tf.keras.saving.serialize_keras_object(self.generator),
            "steps": self.steps,
            "batch_size": self.batch_size,
            "activation_bytes": self.activation_bytes,
        }
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Curriculum:
        generator = tf.keras.saving.deserialize_keras_object(config["generator"])
        return cls(**{**config, "generator": generator})


class StoredCurriculum(Curriculum):
    """A curriculum with a latent of its own for every example.

    Args:
        generator: The network that makes the images.
        steps: Batches, one for each inner step; T in the paper.
        batch_size: Examples in a batch.
        learned_latents: Whether meta-training changes the latents after their initial
            Gaussian draw.
        seed: Integer, of the initial draw.
        activation_bytes: As for `Curriculum`.
        soft_labels: As for `Teacher`.
        **kwargs: Passed to `tf.keras.layers.Layer`.
    """

    stores_examples = True

    def __init__(
        self,
        generator: Generator,
        steps: int = 32,
        batch_size: int = 64,
        learned_latents: bool = True,
        seed: int = 0,
        activation_bytes: int = ACTIVATION_BYTES,
        soft_labels: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            *(generator, steps, batch_size, activation_bytes),
            soft_labels=soft_labels,
            **kwargs,
        )
        self.learned_latents = learned_latents
        self.seed = seed
        self.latents = self.add_weight(
            "latents",
            [steps, batch_size, generator.latent_size],
            initializer=tf.keras.initializers.RandomNormal(stddev=1.0, seed=seed),
            trainable=learned_latents,
        )

    @abc.abstractmethod
    def arrange(self, stored: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """The order in which learners meet what is stored.

        Args:
            stored: `[steps, batch, ...]`.
            seed: int32 `[2]`.

        Returns:
            `[steps, batch, ...]`.
        """

    def inputs(self, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        latents = tf.convert_to_tensor(self.latents)
        return self.arrange(latents, seed), self.arrange(self.even_labels(), seed)

    def targets(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return self.arrange(self.stored_labels(), seed) if self.soft_labels else labels

    def latents_for(self, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        latents = tf.reshape(self.latents, [-1, self.generator.latent_size])
        return tf.gather(latents, self.stored_example(labels, seed))

    def get_config(self) -> dict[str, Any]:
        config = {
            "learned_latents": self.learned_latents,
            "seed": self.seed,
            "soft_labels": self.soft_labels,
        }
        return {**super().get_config(), **config}
