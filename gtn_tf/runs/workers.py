"""KerasTuner's chief and workers, as its environment variables define them."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import Callable, Iterator

from gtn_tf.run_files import RunError

_IP, _PORT, _ID = (
    *("KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT"),
    "KERASTUNER_TUNER_ID",
)


def is_worker() -> bool:
    """Whether KerasTuner's environment makes this process a worker of a chief."""
    return _IP in os.environ and not _is_chief()


def expect_address() -> None:
    """Checks that KerasTuner's variables are all set, or none.

    Raises:
        RunError: If only some of them are.
    """
    missing = [name for name in (_PORT, _ID) if name not in os.environ]
    if _IP in os.environ and missing:
        raise RunError(
            f"{_IP} is set: expected {' and '.join(missing)} beside it, received none "
            "(docs/search.md)"
        )
    port = os.environ.get(_PORT, "1")
    if _IP in os.environ and not (port.isdecimal() and 0 < int(port) < 2**16):
        raise RunError(f"{_PORT}: expected a number from 1 to 65535, received {port!r}")


def warn_if_open(report: Callable[[str], None]) -> None:
    """Warns if the chief listens to more than its own machine.

    Args:
        report: Called with a line if it does.
    """
    if _IP in os.environ and _is_chief() and not is_loopback(os.environ[_IP]):
        report(
            f"warning: the chief listens on {os.environ[_IP]} without any "
            "authentication: whoever reaches the port can change this search. Use "
            "127.0.0.1, a private network or an SSH tunnel (docs/search.md)"
        )


def is_loopback(host: str) -> bool:
    """Whether an address is reached from its own machine alone.

    Args:
        host: A name or an IP address, as KerasTuner takes it.

    Example:

    >>> [is_loopback(host) for host in ("127.0.0.2", "localhost", "[::1]", "0.0.0.0")]
    [True, True, True, False]
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@contextlib.contextmanager
def readable_connection_errors() -> Iterator[None]:
    """Turns the errors of KerasTuner's connection into one line.

    Raises:
        RunError: If the chief's port is taken, or the chief cannot be reached.
    """
    try:
        yield
    except Exception as error:
        where = f"{os.environ.get(_IP)}:{os.environ.get(_PORT)}"
        if isinstance(error, RuntimeError) and "bind" in str(error):
            raise RunError(
                f"{where}: expected an address of this machine that is free, for the "
                "chief to listen on; another process may have it"
            ) from None
        if type(error).__module__.startswith("grpc"):
            raise RunError(
                f"{where}: the chief does not answer; start it again, then this worker"
            ) from None
        raise


def _is_chief() -> bool:
    return "chief" in os.environ.get(_ID, "")
