"""Contenders: an implementation, and the Python that runs it."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from worker import MODULES, OURS

_VERSION = "import importlib.metadata as m; print(m.version('tensorflow'))"
_OTHER_STACK = "gtn_tf, TensorFlow "  # how its label begins


class StackError(Exception):
    """A Python that cannot be gtn_tf's other stack."""


class Contender(NamedTuple):
    """An implementation and its Python, one row of the results."""

    label: str  # of its rows; its name, except for gtn_tf's other stack
    name: str  # worker.py's
    python: Path


def find(names: Sequence[str], peers: Path, other: Path | None) -> list[Contender]:
    """Lists the contenders in the order of `MODULES`.

    Args:
        names: Names of implementations.
        peers: The peers' Python.
        other: A Python with another TensorFlow, that measures gtn_tf as well.

    Returns:
        One for each name, and after `gtn_tf` one for the other stack.

    Raises:
        StackError: If the other Python has no TensorFlow, or the same as this one.
    """
    found = []
    for name in (name for name in MODULES if name in names):
        python = Path(sys.executable) if name in OURS else peers
        found.append(Contender(name, name, python))
        if name == "gtn_tf" and other:
            label = _OTHER_STACK + _other_tensorflow(other)
            found.append(Contender(label, name, other))
    return found


def is_gtn_tf(label: str) -> bool:
    """Whether a label is gtn_tf's, on either stack."""
    return label == "gtn_tf" or is_other_stack(label)


def is_other_stack(label: str) -> bool:
    """Whether a label is gtn_tf's on the other TensorFlow."""
    return label.startswith(_OTHER_STACK)


def _other_tensorflow(python: Path) -> str:
    try:
        run = subprocess.run([python, "-c", _VERSION], capture_output=True, text=True)
    except OSError as error:
        raise StackError(f"--other: {python} does not run: {error}") from None
    if run.returncode:
        raise StackError(f"--other: expected a Python with TensorFlow, got {python}")
    other, own = (
        ".".join(version.strip().split(".")[:2])
        for version in (run.stdout, importlib.metadata.version("tensorflow"))
    )
    if other == own:
        raise StackError(
            f"--other: expected another TensorFlow than {own}, got {other} ({python})"
        )
    return other
