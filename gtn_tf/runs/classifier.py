"""A trained classifier as a SavedModel that needs TensorFlow alone."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from gtn_tf.atomic_file import whole_folder
from gtn_tf.data import Splits


def export_classifier(model: tf.keras.Model, splits: Splits, path: Path) -> None:
    """Writes a SavedModel atomically.

    Its signature takes `images`, float32 `[n, h, w, c]` of pixels scaled to 0..1, and
    gives `logits` and `probabilities`, float32 `[n, k]`.

    Args:
        model: From normalised images to logits.
        splits: The data that it was trained on, for its normalisation.
        path: The folder.
    """
    mean, std = tf.constant(splits.mean), tf.constant(splits.std)  # [c] each
    shape = tf.TensorSpec([None, *splits.image_shape], tf.float32, name="images")

    @tf.function(input_signature=[shape])
    def classify(images: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = tf.cast(model((images - mean) / std, training=False), tf.float32)
        return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

    module = tf.Module()
    module.variables_kept = model.variables
    module.class_names = [tf.Variable(name) for name in splits.class_names]
    module.classify = classify
    with whole_folder(path) as unfinished:
        tf.saved_model.save(module, str(unfinished), signatures=classify)
