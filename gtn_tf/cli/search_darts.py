"""Searches a cell space by gradients of its operations: DARTS or GDAS."""

from __future__ import annotations

from gtn_tf.cli.options import job_command
from gtn_tf.config import DartsConfig

add_arguments, run = job_command(
    DartsConfig, "darts_nas_bench_201", "search.method=gdas", "search_darts"
)
