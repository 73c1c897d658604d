"""Adam with a learning rate for each group of a GTN's variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from gtn_tf.errors import ArgumentError, not_one_of
from gtn_tf.names import GROUPS

# By name of a variable; those of the inner optimizer are logarithms, all others of a
# teacher are the generator's.
_GROUPS = {"latents": "latents", "pixels": "pixels", "label_logits": "labels"}


@tf.keras.utils.register_keras_serializable("gtn_tf")
class AdamByGroup(tf.keras.optimizers.Adam):
    """Adam whose learning rate is multiplied by a factor in each group of variables.

    The groups are `generator`, `latents`, `pixels`, `labels` and `inner_optimizer`.

    Args:
        learning_rate: A number, or a schedule.
        factors: A factor for some of the groups; 1 for the others.
        name: Name of the optimizer.
        **kwargs: Passed to `tf.keras.optimizers.Adam`.

    Raises:
        ArgumentError: If there is no such group.

    Example:

    >>> pixels = tf.Variable(1.0, name="pixels")
    >>> optimizer = AdamByGroup(0.5, factors={"pixels": 0.5})
    >>> _ = optimizer.apply_gradients([(tf.constant(3.0), pixels)])
    >>> round(float(pixels), 2)
    0.75
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        *args: Any,
        factors: Mapping[str, float] | None = None,
        name: str = "AdamByGroup",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, *args, name=name, **kwargs)
        self.factors = {**(factors or {})}
        for group in self.factors:
            if group not in GROUPS:
                raise ArgumentError(not_one_of("group of variables", group, GROUPS))

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
        """Updates a variable; Keras calls it."""
        factor = self.factors.get(group_of(variable), 1)
        if factor == 1:
            super().update_step(gradient, variable)
            return
        before = tf.identity(variable)
        super().update_step(gradient, variable)
        variable.assign(before + factor * (variable - before))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factors": self.factors}


def group_of(variable: tf.Variable) -> str:
    """The group of a variable of a GTN.

    Args:
        variable: One of `gtn.trainable_variables`.

    Example:

    >>> group_of(tf.Variable(0.0, name="log_momentum"))
    'inner_optimizer'
    """
    name = variable.name.split(":")[0]
    if name.startswith("log_"):
        return "inner_optimizer"
    return _GROUPS.get(name, "generator")
