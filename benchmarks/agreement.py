"""Whether two meta-gradients are the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

# In float64. Float32 is too coarse: kinks of max-pooling and LeakyReLU flip, and the
# fourth digit differs between any two frameworks.
TOLERANCE = 1e-4


class Difference(NamedTuple):
    """The largest difference of an implementation from gtn_tf, over all tensors."""

    relative: float  # norm of the difference / norm
    tensor: str  # where it is
    compared: int  # tensors that both have


def compare(
    gradients: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray]
) -> Difference:
    """Compares tensor by tensor.

    Args:
        gradients: An implementation's.
        reference: gtn_tf's.

    Returns:
        The largest difference. It is infinite where a shape or a name differs.

    Example:

    >>> compare({"a": np.array([1.0, 0.0])}, {"a": np.array([2.0, 0.0])})
    Difference(relative=0.5, tensor='a', compared=1)
    """
    found = [Difference(np.inf, "nothing", 0)] if not len(gradients) else []
    for name in gradients:
        relative = np.inf
        if name in reference and gradients[name].shape == reference[name].shape:
            away = np.linalg.norm(gradients[name] - reference[name])
            relative = float(away / np.linalg.norm(reference[name]))
        found.append(Difference(relative, name, len(gradients)))
    # NaN counts as the largest of all.
    return max(found, key=lambda one: np.nan_to_num(one.relative, nan=np.inf))


def agrees(difference: Difference) -> bool:
    """Whether it is small enough."""
    return difference.relative <= TOLERANCE
