"""Trains a graph hypernetwork, which predicts weights, for the scorer ghn."""

from __future__ import annotations

from gtn_tf.cli.options import job_command
from gtn_tf.config import GHNConfig

add_arguments, run = job_command(
    GHNConfig, "ghn_nas_bench_201", "training.steps=2000", "train_ghn"
)
