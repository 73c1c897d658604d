"""What the workers of a training agree on: the chief decides."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence

import tensorflow as tf

from gtn_tf.errors import first_line
from gtn_tf.run_files import RunError

# What a collective operation raises if another worker is gone.
_GONE = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the results: always, if it is the only one.

    Args:
        strategy: Of `choose_strategy`.

    Example:

    >>> is_chief(tf.distribute.get_strategy())
    True
    """
    resolver = strategy.cluster_resolver
    if not resolver or resolver.task_type == "chief":
        return True
    return resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs


def number_from_chief(strategy: tf.distribute.Strategy, number: int) -> int:
    """Gives all workers the chief's number; all of them have to call it.

    Args:
        strategy: Of `choose_strategy`.
        number: An integer of this worker.

    Example:

    >>> number_from_chief(tf.distribute.get_strategy(), 7)
    7
    """
    if strategy.cluster_resolver:
        [chiefs] = _sums(strategy, [tf.constant(number, tf.int64)])
        return int(chiefs)
    return number


def variables_from_chief(
    strategy: tf.distribute.Strategy, variables: Sequence[tf.Variable]
) -> None:
    """Gives the variables of all workers the chief's values, as `number_from_chief`.

    Args:
        strategy: Of `choose_strategy`.
        variables: In the same order in each worker.
    """
    if strategy.cluster_resolver:
        values = _sums(strategy, [one.read_value() for one in variables])
        for variable, value in zip(variables, values):
            variable.assign(value)


def expect_same(strategy: tf.distribute.Strategy, settings: str) -> None:
    """Checks that all workers were started with the same settings.

    Args:
        strategy: Of `choose_strategy`.
        settings: All settings, as text.

    Raises:
        RunError: In a worker whose settings are not the chief's.
    """
    digest = int(hashlib.sha256(settings.encode()).hexdigest()[:12], 16)
    if number_from_chief(strategy, digest) != digest:
        raise RunError(
            "expected the chief's configuration in every worker, received another "
            "here: start the same command everywhere"
        )


@contextlib.contextmanager
def together(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Lets all workers leave the context at the same time.

    Args:
        strategy: Of `choose_strategy`.

    Raises:
        RunError: If another worker has ended before.
    """
    try:
        yield
        number_from_chief(strategy, 0)
    except _GONE as error:
        if not strategy.cluster_resolver:
            raise
        raise RunError(
            f"another worker is gone ({first_line(error)}): once all have ended, the "
            "same command in every worker, with --resume, goes on"
        ) from None


@tf.function
def _sums(strategy: tf.distribute.Strategy, values: list[tf.Tensor]) -> list[tf.Tensor]:
    """Sums of the chief's values and zeros, which are exact."""

    def of_replica(value: tf.Tensor) -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        number = tf.cast(value, tf.int32) if value.dtype.is_bool else value
        chiefs = context.replica_id_in_sync_group == 0
        own = tf.where(chiefs, number, tf.zeros_like(number))
        return tf.cast(context.all_reduce(tf.distribute.ReduceOp.SUM, own), value.dtype)

    found = strategy.run(lambda: [of_replica(value) for value in values])
    return [strategy.experimental_local_results(one)[0] for one in found]
