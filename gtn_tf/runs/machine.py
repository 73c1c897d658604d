"""Where and when a result was made."""

from __future__ import annotations

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
