"""How a GTN is written to a `.keras` file, and read again."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf

from gtn_tf import optimizers
from gtn_tf.config.earlier import with_estimator
from gtn_tf.errors import ArgumentError
from gtn_tf.learners import Learners

_SETTINGS = (  # attributes of the same names as the arguments of `GTN`
    *("teacher", "inner_optimizer", "estimator", "learners_per_iteration"),
    *("relative_clip", "max_skipped", "seed", "augmentation"),
)


class KerasFile(tf.keras.Model):
    """The base class of `GTN`: its configuration and its file.

    A subclass has the attributes of its arguments, and `_asked_unroll`.
    """

    learners: Learners
    _asked_unroll: str

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as the saved model was compiled; Keras calls it."""
        self.compile(**tf.keras.saving.deserialize_keras_object(config))
        optimizers.build(self.optimizer, self.trainable_variables)

    def get_config(self) -> dict[str, Any]:
        serialize = tf.keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "learners": self.learners.get_config(),
            "unroll": self._asked_unroll,
            **{name: serialize(getattr(self, name)) for name in _SETTINGS},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        with tf.keras.saving.custom_object_scope(custom_objects or {}):
            parts = tf.keras.saving.deserialize_keras_object(config)
        learners = Learners.from_config(parts["learners"])
        return cls(**{**with_estimator(parts), "learners": learners})

    def save(
        self,
        filepath: Any,
        overwrite: bool = True,
        save_format: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `tf.keras.Model.save`, to a `.keras` file.

        Raises:
            ArgumentError: If it is another format, or if the teacher cannot be saved.
        """
        path = os.path.expanduser(os.fspath(filepath))
        if save_format not in (None, "keras") or not path.endswith(".keras"):
            raise ArgumentError(
                f"{path}: expected a name that ends with .keras; gtn.export(folder) "
                "writes the teacher as a SavedModel to serve, gtn.save_weights(path) "
                "the weights alone"
            )
        super().save(path, overwrite, save_format, **kwargs)
