"""The machine of a benchmark."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from pathlib import Path

CORES = 2  # of every measurement

_ROOT = Path(__file__).resolve().parent.parent


def describe() -> dict[str, str]:
    """Hardware, date and commit, by name."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    available = os.cpu_count()
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        available = len(os.sched_getaffinity(0))
    return {
        "CPU": _cpu_field("model name") or platform.processor() or platform.machine(),
        "Cores": f"{min(CORES, available)} of {os.cpu_count()}",
        "AVX-512": "yes" if "avx512f" in _cpu_field("flags") else "no",
        "RAM": f"{pages / 1e9:.1f} GB",
        "System": platform.system(),
        "Date": datetime.date.today().isoformat(),
        "Commit": _commit(),
    }


def _cpu_field(name: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return ""
    for line in lines:
        if line.startswith(name):
            return line.split(":", 1)[1].strip()
    return ""


def _commit() -> str:
    commit = _git("rev-parse", "--short", "HEAD")
    if not commit:
        return "not a git repository"
    changed = _git("status", "--porcelain", "--", "gtn_tf", "benchmarks")
    return commit + (" and uncommitted changes" if changed else "")


def _git(*arguments: str) -> str:
    try:
        run = subprocess.run(
            ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True
        )
    except OSError:
        return ""
    return run.stdout.strip()
