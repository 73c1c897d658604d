"""What happens when meta-training diverges for good."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class NonFiniteError(ArithmeticError):
    """Too many meta-iterations in a row gave no finite meta-gradient."""


class StopWhenNotFinite(tf.keras.callbacks.Callback):
    """Stops `fit` once `max_skipped` meta-iterations in a row were skipped.

    The weights are then as the last finite meta-iteration left them.

    Raises:
        NonFiniteError: At the end of the batch that reached the limit.
    """

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        in_a_row = int(self.model.skipped_in_a_row.numpy())
        if in_a_row >= self.model.max_skipped:
            raise NonFiniteError(
                "the meta-loss or its gradient was not finite in "
                f"{in_a_row} meta-iterations in a row (up to "
                f"{int(self.model.iterations.numpy())}); none of them changed the weights. "
                "Lower the learning rate of the inner optimizer or of the optimizer"
            )
