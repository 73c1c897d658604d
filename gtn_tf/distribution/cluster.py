"""The workers of a training, as the environment variable `TF_CONFIG` lists them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from gtn_tf.config import ConfigError
from gtn_tf.errors import first_line, shown

_KINDS = ("chief", "worker")  # in TensorFlow's order: a chief comes first


@dataclass(frozen=True)
class Cluster:
    """The workers of a training, and which of them this process is.

    Args:
        addresses: Of all workers, each `"host:port"`; the first is the chief.
        number: Of this process among them.

    Example:

    >>> Cluster(("10.0.0.1:2222", "10.0.0.2:2222"), number=1).own
    '10.0.0.2:2222'
    """

    addresses: tuple[str, ...]
    number: int

    @property
    def own(self) -> str:
        """The address of this process."""
        return self.addresses[self.number]


def read_tf_config() -> Cluster | None:
    """Reads `TF_CONFIG`.

    Returns:
        The workers; `None` if the variable is not set or names no cluster.

    Raises:
        ConfigError: If TensorFlow could not use it. TensorFlow itself would wait for
            ever for some of the mistakes that are found here.

    Example:

    >>> workers = ["10.0.0.1:2222", "10.0.0.2:2222"]
    >>> task = {"type": "worker", "index": 0}
    >>> os.environ["TF_CONFIG"] = json.dumps(
    ...     {"cluster": {"worker": workers}, "task": task}
    ... )
    >>> read_tf_config()
    Cluster(addresses=('10.0.0.1:2222', '10.0.0.2:2222'), number=0)
    >>> del os.environ["TF_CONFIG"]
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise _broken("JSON", f"{shown(text)} ({first_line(error)})") from None
    if not isinstance(found, dict):
        raise _broken("a JSON object", shown(text))
    if not found.get("cluster"):
        return None
    jobs = _jobs(found["cluster"])
    kind, index = _task(found.get("task"))
    if kind not in jobs or index >= len(jobs[kind]):
        raise _broken("a task of the cluster", f"{kind} {index}")
    addresses = tuple(one for job in jobs.values() for one in job)
    return Cluster(addresses, addresses.index(jobs[kind][index]))


def _jobs(cluster: Any) -> dict[str, list[str]]:
    """The addresses of each kind of task."""
    if not isinstance(cluster, dict) or not {*cluster} <= {*_KINDS}:
        raise _broken(f"a cluster of {' and '.join(_KINDS)}", shown(cluster))
    jobs = {kind: cluster[kind] for kind in _KINDS if cluster.get(kind)}
    for kind, addresses in jobs.items():
        if not isinstance(addresses, list) or not all(map(_is_address, addresses)):
            raise _broken(f"{kind}: a list of host:port", shown(addresses))
    if len(jobs.get("chief", [])) > 1:
        raise _broken("one chief at most", shown(jobs["chief"]))
    addresses = [one for job in jobs.values() for one in job]
    if len({*addresses}) < len(addresses):
        raise _broken("an address of its own for each worker", shown(addresses))
    return jobs


def _is_address(value: Any) -> bool:
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    return bool(host) and port.isdecimal() and 0 < int(port) < 2**16


def _task(task: Any) -> tuple[str, int]:
    """The kind and the number of this process."""
    if isinstance(task, dict):
        kind, index = task.get("type"), task.get("index")
        if isinstance(kind, str) and type(index) is int and index >= 0:
            return kind, index
    raise _broken('a task such as {"type": "worker", "index": 0}', shown(task))


def _broken(expected: str, received: str) -> ConfigError:
    return ConfigError(
        f"TF_CONFIG: expected {expected}, received {received} (docs/training.md)"
    )
