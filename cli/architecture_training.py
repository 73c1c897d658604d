"""The training of the cells of the table of architectures, all in one way."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from architecture_rows import SCALES, Training
from common import say
from gtn_tf import runs
from gtn_tf.accuracy import mean_and_std
from gtn_tf.config import DataConfig, FinalConfig, FullTrainingConfig, NetworkConfig
from gtn_tf.teaching import load_teacher


def train(
    training: Training, folder: str, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Trains a cell with each seed, or goes on with it.

    Args:
        training: The cell, and how it is trained.
        folder: Begins the names of the folders, which end with the seed.
        options: As parsed.

    Returns:
        The summary of each seed.
    """
    found = []
    for seed in range(SCALES[options.scale].seeds):
        say(f"seed {seed}")
        found.append(
            runs.train_final(
                _config(training, seed, options),
                options.run_dir / f"{folder}_{seed}",
                resume=True,
                data_dir=options.data_dir,
                report=say,
            )
        )
    return found


def _config(training: Training, seed: int, options: argparse.Namespace) -> FinalConfig:
    scale = SCALES[options.scale]
    return FinalConfig(
        seed,
        data=DataConfig(
            options.data,
            augment=("shift", "mirror") if scale.augment else (),
            cutout=scale.cutout if training.cutout else 0,
            image_size=load_teacher(options.teacher[0]).image_shape[0],
        ),
        network=NetworkConfig(
            training.genotype,
            cells=scale.cells,
            filters=scale.wide if training.wide else scale.filters,
            dropout=0.2,
            drop_path=0.1,
            auxiliary=0.0,
        ),
        training=FullTrainingConfig(scale.epochs, learning_rate=0.05),
    )


def measured(
    training: Training,
    summaries: Sequence[dict[str, Any]],
    options: argparse.Namespace,
) -> dict[str, Any]:
    """The columns of a row that its trainings give.

    Args:
        training: One of them.
        summaries: Of all of them, each cell with each seed.
        options: As parsed.
    """
    scale = SCALES[options.scale]
    chosen = _config(training, 0, options)
    size, filters = chosen.data.image_size, chosen.network.filters
    error = mean_and_std([100 * (1 - one["test_accuracy"]) for one in summaries])
    return {
        "scale": f"{summaries[0]['dataset']} at {size}x{size}, N={scale.cells}, "
        f"F={filters}, {scale.epochs} epochs",
        "params": round(np.mean([one["params"] for one in summaries])),
        "error": error["mean"],
        "std": error["std"],
        "seeds": scale.seeds,
        "training_seconds": float(np.mean([one["seconds"] for one in summaries])),
    }
