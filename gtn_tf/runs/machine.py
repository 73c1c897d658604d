"""Where and when a result was made."""

from __future__ import annotations

import contextlib
import os
import platform
from datetime import date
from typing import Any

import tensorflow as tf


def machine() -> dict[str, Any]:
    """Facts to record with every result."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "date": str(date.today()),
    }


def processor() -> str:
    """The processor's name, if the system gives it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.split(":")[1] for line in lines if "model name" in line]
        return names[0].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def available_cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def use_one_thread_per_operation() -> None:
    """Has TensorFlow compute each operation on one core.

    Operations of small networks take so little time that dividing them costs more than
    it saves, above all with other networks beside them. Once TensorFlow has begun to
    compute, nothing changes.
    """
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)
