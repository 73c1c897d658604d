"""Hides what newer TensorFlows write while they are imported.

They log a handful of lines about oneDNN and missing GPUs to standard error, whatever
`TF_CPP_MIN_LOG_LEVEL` says.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType


def import_tensorflow_quietly() -> None:
    """Silences the first import of TensorFlow, whenever it happens.

    Commands import it late, so that a mistake is reported within a second. Exceptions
    of the import are raised as usual.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as Python does, with a loader that is silent."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_silently(module: ModuleType) -> None:
                with _without_stderr():
                    load(module)

            spec.loader.exec_module = load_silently  # type: ignore[method-assign]
        return spec


@contextlib.contextmanager
def _without_stderr() -> Iterator[None]:
    """Redirects file descriptor 2, which C++ writes to."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
