"""Ctrl-C and SIGTERM end the process at once, with one line of advice."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

_ADVICE = "\ninterrupted; the same command goes on (with --resume, if it has that)\n"


def end_with_advice() -> None:
    """Makes both signals end the process at once, with exit status 130.

    An exception would not do: raised while TensorFlow is being imported, it may be
    printed, swallowed or taken for a broken installation. There is nothing to clean up,
    since whatever is written survives a kill.
    """
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _end)


def _end(*_: object) -> None:
    with contextlib.suppress(Exception):  # it may have interrupted a print
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        os.write(1, _ADVICE.encode())
    os._exit(130)
