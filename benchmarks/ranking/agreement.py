"""Whether PyTorch's networks are gtn_tf's: parameters, and logits of equal weights.

gtn_tf's process saves `SPACE/NUMBER/...` for each cell: all weights, drawn at random,
the logits of some images and the number of parameters. PyTorch's process loads the
weights and saves logits and parameters of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from agreement import Difference, agrees, compare

IMAGES = 16  # of the logits


class Disagreement(Exception):
    """A network in PyTorch that is not gtn_tf's."""


def check(
    theirs: Mapping[str, np.ndarray], ours: Mapping[str, np.ndarray]
) -> Difference:
    """Compares all networks.

    Args:
        theirs: What PyTorch's process saved.
        ours: What gtn_tf's process saved.

    Returns:
        The largest difference of logits.

    Raises:
        Disagreement: If a number of parameters differs, or logits by more than the
            benchmark's tolerance.
    """
    for name, count in ours.items():
        if name.endswith("/params") and theirs.get(name) != count:
            raise Disagreement(
                f"{name}: expected gtn_tf's {count}, received {theirs.get(name)}"
            )
    names = [name for name in ours if name.endswith("/logits")]
    found = compare({name: theirs[name] for name in names}, ours)
    if not agrees(found):
        raise Disagreement(
            f"{found.tensor}: differs from gtn_tf's by {found.relative:.1e} of its norm"
        )
    return found
