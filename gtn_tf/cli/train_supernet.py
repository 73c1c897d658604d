"""Trains shared weights for all architectures of a space, for the scorer supernet."""

from __future__ import annotations

from gtn_tf.cli.options import job_command
from gtn_tf.config import SupernetConfig

add_arguments, run = job_command(
    SupernetConfig, "supernet_nas_bench_201", "training.steps=2000", "train_supernet"
)
