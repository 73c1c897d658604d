"""The choice between the two exact unrolls."""

from __future__ import annotations

from gtn_tf.inner import nested_tapes, recompute
from gtn_tf.inner.step import Unroll

UNROLLS: dict[str, Unroll] = {"nested_tapes": nested_tapes.unroll, "recompute": recompute.unroll}

# Python's loop traces every step; beyond a few, the graph loop starts sooner.
_FEW_STEPS = 2


def choose_unroll(name: str, steps: int) -> tuple[str, Unroll]:
    """Gives the unroll called `name`; `"auto"` picks by the number of steps.

    Args:
        name: `"nested_tapes"`, `"recompute"` or `"auto"`.
        steps: Inner-loop steps, T.

    Returns:
        The unroll's name and function.

    Raises:
        ValueError: If there is no unroll of this name.

    Example:

    >>> choose_unroll("auto", steps=32)[0]
    'recompute'
    """
    if name == "auto":
        name = "nested_tapes" if steps <= _FEW_STEPS else "recompute"
    if name not in UNROLLS:
        raise ValueError(
            f"unroll: expected one of auto, {', '.join(UNROLLS)}, received {name!r}"
        )
    return name, UNROLLS[name]
