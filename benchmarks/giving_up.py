"""Workers that cannot measure report why, which is a result, too."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

COMPILE_LIMIT = 600.0  # seconds, since some might compile for hours


class GaveUp(Exception):
    """Why an implementation cannot be measured here."""


@contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Ends the process if the block takes longer, even within a compiler.

    Args:
        seconds: The limit; None for none.
    """
    if seconds is None:
        yield
        return
    reason = f"did not compile within {seconds / 60:.2g} minutes"

    def end() -> None:
        print(json.dumps({"gave_up": reason}), flush=True)
        os._exit(0)  # no exception reaches a thread that runs a compiler

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
