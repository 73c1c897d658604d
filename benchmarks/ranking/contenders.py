"""The contenders of the ranking benchmark, and their names in the results."""

from __future__ import annotations

import sys
from pathlib import Path

from contenders import Contender

# The module of each contender.
MODULES = {
    "gtn_tf": "run_gtn_tf",
    "gtn_tf_network_each": "run_gtn_tf",
    "torch": "run_torch",
    "torch_channels_last": "run_torch",
}
OURS = tuple(name for name, module in MODULES.items() if module == "run_gtn_tf")
TORCH = tuple(name for name in MODULES if name not in OURS)
LABELS = {
    "gtn_tf": "gtn_tf",
    "gtn_tf_network_each": "gtn_tf, a Keras network each",
    "torch": "torch eager",
    "torch_channels_last": "torch eager, channels last",
}


def find(names: list[str], peers: Path) -> list[Contender]:
    """Lists contenders in the order of `MODULES`.

    Args:
        names: Names of contenders.
        peers: The peers' Python.
    """
    return [
        Contender(LABELS[name], name, Path(sys.executable) if name in OURS else peers)
        for name in MODULES
        if name in names
    ]
