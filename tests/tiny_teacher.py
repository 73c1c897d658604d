"""A teacher of six steps that no training has made."""

from __future__ import annotations

import numpy as np

from gtn_tf.teaching import TrainedTeacher

SHAPE, CLASSES, STEPS, BATCH = (4, 4, 1), 3, 6, 5


def make_teacher(**changes: object) -> TrainedTeacher:
    rng = np.random.default_rng(0)
    description = {
        "image_shape": list(SHAPE),
        "class_names": ["a", "b", "c"],
        "steps": STEPS,
        "batch_size": BATCH,
        "normalization": {"mean": [0.5], "std": [0.25]},
        "accuracy": None,
    }
    parts = {
        "description": {**description, **changes.pop("description", {})},
        "images": rng.normal(1, 2, size=[STEPS, BATCH, *SHAPE]).astype(np.float32),
        "labels": rng.integers(0, CLASSES, [STEPS, BATCH]).astype(np.int32),
        "hyperparameters": {
            "learning_rates": np.linspace(0.1, 0.02, STEPS).astype(np.float32),
            "momenta": np.linspace(0.3, 0.8, STEPS).astype(np.float32),
        },
    }
    return TrainedTeacher(**{**parts, **changes})
