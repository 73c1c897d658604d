"""Meta-trains a teacher, compares it with real data and exports it."""

from __future__ import annotations

from gtn_tf.cli.options import job_command
from gtn_tf.config import Config

add_arguments, run = job_command(
    Config, "digits", "meta.iterations=200", "train", automatic=True
)
