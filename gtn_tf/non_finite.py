"""What happens when a number is not finite: one update is skipped, many end `fit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf.errors import GTNError


class NonFiniteError(GTNError, ArithmeticError):
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
                f"{self.model.iterations.numpy()}); none of them changed the weights. "
                "Lower the learning rate of the inner optimizer or of the optimizer"
            )


def apply_if_finite(
    optimizer: tf.keras.optimizers.Optimizer,
    variables: Sequence[tf.Variable],
    gradients: Sequence[tf.Tensor],
    meta_loss: tf.Tensor,
) -> tf.Tensor:
    """Averages the gradients over all replicas and applies them if all are finite.

    Args:
        optimizer: Keras optimizer; one that does not act keeps its state as it is.
        variables: What it changes.
        gradients: One for each variable, of this replica.
        meta_loss: Scalar of this replica, which has to be finite, too.

    Returns:
        Whether the optimizer acted, a bool scalar that is the same in all replicas.
    """
    with tf.init_scope():
        optimizer.build(variables)  # variables cannot be made in a branch
    context = tf.distribute.get_replica_context()
    meta_loss, *gradients = context.all_reduce(
        tf.distribute.ReduceOp.MEAN, [meta_loss, *gradients]
    )
    finite = tf.math.is_finite(meta_loss + tf.linalg.global_norm(gradients))

    def update(*gradients: tf.Tensor) -> None:
        pairs = zip(gradients, variables)
        optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)

    def everywhere(
        strategy: tf.distribute.Strategy, finite: tf.Tensor, *gradients: tf.Tensor
    ) -> None:
        def act() -> tf.Tensor:
            strategy.extended.call_for_each_replica(update, args=gradients)
            return tf.constant(True)

        # A replica may not branch on its own: the optimizer acts on all of them.
        condition = strategy.experimental_local_results(finite)[0]
        tf.cond(condition, act, lambda: tf.constant(False))

    context.merge_call(everywhere, args=(finite, *gradients))
    return finite
