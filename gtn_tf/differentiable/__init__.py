"""Differentiable search of cells: DARTS and GDAS."""

from gtn_tf.differentiable.alpha_gradients import (
    ALPHA_GRADIENTS,
    finite_difference,
    first_order,
    second_order,
)
from gtn_tf.differentiable.alphas import AlphaAdam, Alphas
from gtn_tf.differentiable.darts import Darts
from gtn_tf.differentiable.gated_path import GatedPath
from gtn_tf.differentiable.gdas import Gdas
from gtn_tf.differentiable.mixed_network import MixedNetwork

__all__ = [
    "ALPHA_GRADIENTS",
    "AlphaAdam",
    "Alphas",
    "Darts",
    "GatedPath",
    "Gdas",
    "MixedNetwork",
    "finite_difference",
    "first_order",
    "second_order",
]
