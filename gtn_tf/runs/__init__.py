"""A training run: its directory, its checkpoints, and the way from start to end."""

from gtn_tf.runs.directory import RunDirectory, RunError
from gtn_tf.runs.train import train

__all__ = ["RunDirectory", "RunError", "train"]
