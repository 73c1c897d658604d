"""Makes the cell space of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gtn_tf.config import SpaceConfig
from gtn_tf.data import Splits
from gtn_tf.search import CellSpace, NAOSpace, NASBench201Space


def make_space(
    chosen: SpaceConfig,
    splits: Splits,
    optimizer: Callable[[], tf.keras.optimizers.Optimizer] | None = None,
) -> CellSpace[Any]:
    """Makes the space of a configuration.

    Args:
        chosen: The configuration.
        splits: The real data, which decides the shape of the images.
        optimizer: Makes the optimizer of a full training.
    """
    common: dict[str, Any] = {
        "cells": chosen.cells,
        "filters": chosen.filters,
        "scored_as": chosen.scored_as,
        "optimizer": optimizer,
    }
    if chosen.name == "nao":
        return NAOSpace(
            splits.image_shape, splits.num_classes, ops=chosen.ops, **common
        )
    return NASBench201Space(splits.image_shape, splits.num_classes, **common)
