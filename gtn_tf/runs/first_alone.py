"""Calls on threads of which the first of each kind is alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class FirstAlone:
    """Lets calls run at the same time, once a call of their kind has succeeded.

    Until then a call has no other beside it. So what the first one makes for all, such
    as a traced function, is made once; and Keras, which traces with settings and layers
    that all threads share, does not trace twice at the same time.

    Example:

    >>> calls = FirstAlone()
    >>> for number in range(2):
    ...     with calls.of("gtn"):  # alone, then beside others
    ...         pass
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._known: set[str] = set()
        self._running = 0  # calls beside each other
        self._alone = False  # whether a call is alone, or waits until it is

    @contextmanager
    def of(self, kind: str) -> Iterator[None]:
        """The context of a call; it has succeeded if nothing is raised.

        Args:
            kind: Of the call.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            alone = kind not in self._known
            if alone:
                self._alone = True
                self._changed.wait_for(lambda: not self._running)
            else:
                self._running += 1
        try:
            yield
            self._known.add(kind)
        finally:
            with self._changed:
                if alone:
                    self._alone = False
                else:
                    self._running -= 1
                self._changed.notify_all()
