"""Stores the results of an unfinished benchmark, so that the next run goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent


class Store:
    """A folder below `runs/benchmark/` that belongs to one state of the code.

    Args:
        size: The problem's name.
        pythons: The Pythons of all that is measured.
        root: Parent of the folder.
    """

    def __init__(
        self,
        size: str,
        pythons: Sequence[Path],
        root: Path = _ROOT / "runs" / "benchmark",
    ) -> None:
        self._size = size
        self.folder = root / f"{size}-{_fingerprint(pythons)}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = self.folder / "measured.jsonl"

    def lines(self) -> list[dict[str, Any]]:
        """The results of all finished processes."""
        if not self._file.exists():
            return []
        whole = self._file.read_text().rpartition("\n")[0]  # without a truncated one
        return [json.loads(line) for line in whole.splitlines()]

    def add(self, line: dict[str, Any]) -> None:
        """Saves a finished process's result."""
        lines = [json.dumps(one) + "\n" for one in [*self.lines(), line]]
        partial = self._file.with_suffix(".partial")
        partial.write_text("".join(lines))
        partial.replace(self._file)

    def arrays(self, name: str, number: int) -> Path:
        """The file of arrays that are compared, such as a float64 meta-gradient.

        Args:
            name: Name of the contender.
            number: Number of steps or cells.
        """
        return self.folder / f"{name}-{number}.npz"

    def remove(self) -> None:
        """Deletes all results of this size, once the final ones are written."""
        for folder in self.folder.parent.glob(f"{self._size}-*"):
            shutil.rmtree(folder)


def _fingerprint(pythons: Sequence[Path]) -> str:
    """Digest of all code that takes part, so that versions are not mixed."""
    found = hashlib.sha256("\n".join(str(one.absolute()) for one in pythons).encode())
    for folder in ("gtn_tf", "benchmarks"):
        for path in sorted((_ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".txt"):
                found.update(path.read_bytes())
    return found.hexdigest()[:8]
