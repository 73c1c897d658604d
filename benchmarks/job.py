"""The interface between an implementation and the worker that times it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from problem import Arrays


class Job(NamedTuple):
    """One implementation's meta-gradient of one problem."""

    # Computes it once; has finished when it returns.
    iterate: Callable[[], Any]
    # Turns what `iterate` returned into arrays in the problem's layout. A part that
    # the implementation has no gradient for is left out.
    gradients: Callable[[Any], Arrays]
    packages: tuple[str, ...]  # whose versions are reported
    # Compiles ahead of time, where that is a step of its own.
    compile: Callable[[], Any] | None = None
    limit: float | None = None  # seconds for compiling, or the first call
    details: Mapping[str, Any] = {}  # that the worker prints too
