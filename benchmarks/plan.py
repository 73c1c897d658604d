"""How often each implementation is measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from problem import SIZES, SWEEP_STEPS

SLOW = ("jax_remat", "jax_mixed")  # by an order of magnitude, on a CPU


class Measurement(NamedTuple):
    """One process."""

    implementation: str
    steps: int
    round: int
    repeats: int


class _Effort(NamedTuple):
    rounds: int
    repeats: int
    slow_rounds: int
    slow_repeats: int


_EFFORT = {
    "digits": _Effort(3, 10, 2, 5),
    "small": _Effort(2, 4, 1, 2),
    "paper": _Effort(1, 2, 1, 1),
    "sweep": _Effort(2, 2, 1, 1),
}
_LONG_SWEEP = _Effort(1, 2, 1, 1)  # above 32 steps


def plan(
    size: str,
    names: Sequence[str],
    steps: int | None = None,
    rounds: int | None = None,
) -> Iterator[Measurement]:
    """Lists the measurements in their order: all implementations, then all again.

    Args:
        size: One of `SIZES`.
        names: The implementations.
        steps: Inner steps instead of the size's.
        rounds: Rounds instead of the size's, except for slow implementations.

    Yields:
        One measurement for each process.
    """
    for count in steps_of(size, steps):
        effort = _LONG_SWEEP if size == "sweep" and count > 32 else _EFFORT[size]
        for number in range(rounds or effort.rounds):
            for name in names:
                repeats = effort.slow_repeats if name in SLOW else effort.repeats
                if name not in SLOW or number < effort.slow_rounds:
                    yield Measurement(name, count, number, repeats)


def steps_of(size: str, steps: int | None = None) -> Sequence[int]:
    """The numbers of inner steps that are measured."""
    if steps:
        return (steps,)
    return SWEEP_STEPS if size == "sweep" else (SIZES[size].steps,)
