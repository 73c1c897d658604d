"""Skips non-finite updates; stops `fit` after too many in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gtn_tf import optimizers
from gtn_tf.errors import GTNError
from gtn_tf.relative_clip import RelativeClip


class NonFiniteError(GTNError, ArithmeticError):
    """Too many meta-iterations in a row gave no finite meta-gradient."""


class DataWatch:
    """Remembers whether the last batch of real data was finite.

    Not a Keras object, so that checkpoints do not contain it.
    """

    def __init__(self) -> None:
        self._bad = tf.Variable(
            0,
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
        )

    def look(self, real: Sequence[tf.Tensor]) -> None:
        """Checks a batch.

        Args:
            real: Images, labels and sample weights, if any.
        """
        floats = [tensor for tensor in real if tensor.dtype.is_floating]
        finite = [tf.reduce_all(tf.math.is_finite(tensor)) for tensor in floats]
        self._bad.assign(tf.cast(~tf.reduce_all(finite), tf.int32))

    def advice(self) -> str:
        """What to do about meta-iterations that were skipped."""
        if int(self._bad.numpy()):
            return (
                "The real data itself is not finite: expected images, labels and "
                "weights without NaN and infinity, received some in the last batch"
            )
        return "Lower the learning rate of the inner optimizer or of the optimizer"


class StopWhenNotFinite(tf.keras.callbacks.Callback):
    """Stops `fit` once `max_skipped` meta-iterations in a row were skipped.

    The weights are then those of the last finite meta-iteration.

    Args:
        data: Knows whether the last batch of real data was at fault.

    Raises:
        NonFiniteError: At the end of the batch that reached the limit.
    """

    def __init__(self, data: DataWatch) -> None:
        super().__init__()
        self._data = data

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        in_a_row = int(self.model.skipped_in_a_row.numpy())
        if in_a_row >= self.model.max_skipped:
            raise NonFiniteError(
                "the meta-loss or its gradient was not finite in "
                f"{in_a_row} meta-iterations in a row (up to "
                f"{self.model.iterations.numpy()}); none of them changed the weights. "
                f"{self._data.advice()}"
            )


def apply_if_finite(
    optimizer: tf.keras.optimizers.Optimizer,
    variables: Sequence[tf.Variable],
    gradients: Sequence[tf.Tensor],
    meta_loss: tf.Tensor,
    clip: RelativeClip | None = None,
) -> tf.Tensor:
    """Averages the gradients over all replicas and applies them if all are finite.

    Args:
        optimizer: Keras optimizer; its state is unchanged if it does not act.
        variables: The variables that it updates.
        gradients: One for each variable, of this replica.
        meta_loss: Scalar of this replica, which has to be finite, too.
        clip: Clips the averages before they are applied.

    Returns:
        Whether the optimizer acted, a bool scalar that is the same in all replicas.
    """
    with tf.init_scope():
        optimizers.build(optimizer, variables)  # a branch cannot make variables
    context = tf.distribute.get_replica_context()
    meta_loss, *gradients = context.all_reduce(
        tf.distribute.ReduceOp.MEAN, [meta_loss, *gradients]
    )
    finite = tf.math.is_finite(meta_loss + tf.linalg.global_norm(gradients))

    def update(*gradients: tf.Tensor) -> None:
        clipped = gradients if clip is None else clip.clip(gradients)
        optimizers.apply(optimizer, clipped, variables)

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
