"""Searches a cell space by ENAS: a controller and shared weights in turn."""

from __future__ import annotations

from gtn_tf.cli.options import job_command
from gtn_tf.config import EnasConfig

add_arguments, run = job_command(
    EnasConfig, "enas_nas_bench_201", "search.entropy=0.01", "search_enas"
)
