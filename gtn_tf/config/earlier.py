"""Translates what earlier versions wrote; the only place that knows it.

Until estimators had names, `truncate_every` chose windows of inner steps and
`initial_steps` an unroll that lengthens; 0 meant neither. Until all architectures of a
space could be drawn, their number was called `pool`. Until augmentations had names,
`data.augment` was true or false.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gtn_tf.names import ESTIMATORS

Entries = dict[str, tuple[Any, str]]  # the value of a dotted key, and where it is


def translated(entries: Entries) -> Entries:
    """Brings the keys of an earlier meta-training's configuration up to date.

    Args:
        entries: Entries of a configuration.

    Example:

    >>> translated({"meta.truncate_every": (8, "run.yaml, line 3")})["meta.window"]
    (8, 'run.yaml, line 3')
    """
    renamed = {"learners.pool": "learners.architectures"}
    new = {renamed.get(key, key): entry for key, entry in entries.items()}
    if "meta.estimator" in entries:
        return new
    window, steps = new.pop("meta.truncate_every", None), new.get("meta.initial_steps")
    if window and window[0] != 0:
        new["meta.window"] = window
        new["meta.estimator"] = "truncated", window[1]
    elif steps and steps[0] != 0:
        new["meta.estimator"] = "lengthening", steps[1]
        return new
    new.pop("meta.lengthen_every", None)  # it had no effect
    return new


def with_augmentations(entries: Entries) -> Entries:
    """Brings the augmentation of an earlier configuration, of any kind, up to date.

    Args:
        entries: Entries of a file.

    Example:

    >>> with_augmentations({"data.augment": (True, "run.yaml, line 3")})["data.augment"]
    (['shift', 'mirror'], 'run.yaml, line 3')
    """
    value, place = entries.get("data.augment", (None, ""))
    if not isinstance(value, bool):
        return entries
    return {**entries, "data.augment": (["shift", "mirror"] if value else [], place)}


def with_architectures(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Brings the arguments of learners saved by an earlier version up to date.

    Args:
        settings: Arguments of a kind of `Learners`.

    Example:

    >>> with_architectures({"pool": 2, "seed": 0})
    {'architectures': 2, 'seed': 0}
    """
    renamed = {"pool": "architectures"}
    return {renamed.get(name, name): value for name, value in settings.items()}


def with_estimator(settings: dict[str, Any]) -> dict[str, Any]:
    """Brings the arguments of a GTN saved by an earlier version up to date.

    Args:
        settings: Arguments of `GTN`; unchanged if they name an estimator.

    Returns:
        The arguments, with an estimator in place of its settings.

    Example:

    >>> old = dict(intermediate_every=4, initial_steps=0, lengthen_every=5, seed=1)
    >>> with_estimator({**old, "truncate_every": 8})["estimator"].get_config()
    {'window': 8, 'intermediate_every': 4}
    """
    if "estimator" in settings:
        return settings
    new = {**settings}
    names = "intermediate_every", "truncate_every", "initial_steps", "lengthen_every"
    every, window, steps, lengthen_every = (new.pop(name) for name in names)
    if window:
        kind, own = "truncated", {"window": window}
    elif steps:
        kind = "lengthening"
        own = {"initial_steps": steps, "lengthen_every": lengthen_every}
    else:
        kind, own = "full", {}
    return {**new, "estimator": ESTIMATORS.load(kind)(**own, intermediate_every=every)}
