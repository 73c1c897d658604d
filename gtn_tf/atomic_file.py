"""Files that are never half-written, whenever the process is killed."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Writes a file wholly or not at all.

    Args:
        path: The file.
        text: Its content.
    """
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)
