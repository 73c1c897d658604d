"""Searches architectures: ranks candidates by a teacher, then trains the best."""

from __future__ import annotations

from gtn_tf.cli.options import job_command
from gtn_tf.config import SearchConfig

add_arguments, run = job_command(
    SearchConfig, "search_digits", "ranking.candidates=20", "search"
)
