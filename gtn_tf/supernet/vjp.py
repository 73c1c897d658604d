"""A function and its derivatives as separate graphs that share their work."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

# What is worth keeping for the backward pass; all else is computed again. A max-pooling
# is, too: oneDNN's fast gradient needs the pooling in the same graph.
_KEPT = {"Conv2D", "DepthwiseConv2dNative", "FusedBatchNormV3", "Relu", "LeakyRelu"}
_NOT_KEPT = {"Placeholder", "Const", "MaxPool", "MaxPoolGrad", "MaxPoolGradGrad"}
_ZERO = tf.UnconnectedGradients.ZERO


class Passes(NamedTuple):
    """A function, its derivative and that one's derivative, each traced once.

    Args:
        forward: `(*inputs) -> [*outputs, *residuals]`.
        backward: `(*inputs, *upstream, *residuals)`, which gives a gradient for each
            source.
        second: `(*inputs, *upstream, *residuals, *second_upstream)`: the derivative of
            `backward`, which gives a gradient for each source and each upstream.
        residuals: How many there are.
    """

    forward: Callable[..., list[tf.Tensor]]
    backward: Callable[..., list[tf.Tensor]]
    second: Callable[..., list[tf.Tensor]] | None
    residuals: tuple[int, int]


def passes_of(
    function: Callable[..., Sequence[tf.Tensor]],
    inputs: Sequence[tf.TensorSpec],
    targets: Sequence[tf.TensorSpec],
    sources: int,
    twice: bool = False,
) -> Passes:
    """Splits the graph of a function and its derivatives into its passes.

    `tf.switch_case` differentiates by itself, but then each branch hands over what any
    of them might need: among eleven operations, training is twice as slow.

    Args:
        function: Pure; gives tensors.
        inputs: Of the function.
        targets: The first outputs, those that are differentiated.
        sources: The derivative is with respect to so many of the first inputs.
        twice: Whether there is a second derivative.
    """
    with tf.init_scope():
        count, middle = len(inputs), len(inputs) + len(targets)

        def all_passes(*given: tf.Tensor) -> list[Sequence[tf.Tensor]]:
            values, upstream = given[:sources], given[count:middle]
            outputs = function(*given[:count])
            gradients = _gradients(outputs[: len(targets)], values, upstream)
            if not twice:
                return [outputs, gradients, []]
            second = _gradients(gradients, [*values, *upstream], given[middle:])
            return [outputs, gradients, second]

        again = inputs[:sources] if twice else []
        traced = _trace(all_passes, [*inputs, *targets, *again])
        results, gradients, second = traced.structured_outputs
        keep = _is_worth_keeping if twice else _is_slow
        ahead = {op for op in _ancestors(results) if keep(op)}
        back = {op for op in _ancestors(gradients, ahead) - ahead if keep(op) and twice}
        later = [*_crossing([*gradients, *second], ahead | back)]
        saved = [*_distinct(t for t in [*_crossing(gradients, ahead), *later] if t.op in ahead)]
        saved_again = [*_distinct(t for t in later if t.op in back)]
        graph = traced.graph.as_graph_def()
        values, upstream = traced.inputs[:middle], traced.inputs[middle:]
        given = [*values, *saved]
        return Passes(
            _part(graph, values[:count], [*results, *saved]),
            _part(graph, given, [*gradients, *saved_again]),
            _part(graph, [*given, *saved_again, *upstream], second) if twice else None,
            (len(saved), len(saved_again)),
        )


def _is_slow(op: tf.Operation) -> bool:
    return op.type in _KEPT


def _is_worth_keeping(op: tf.Operation) -> bool:
    floating = op.outputs and all(one.dtype.is_floating for one in op.outputs)
    return floating and op.type not in _NOT_KEPT


def _distinct(tensors: Iterable[tf.Tensor]) -> Iterable[tf.Tensor]:
    return {t.ref(): t for t in tensors}.values()


def _gradients(
    ys: Sequence[tf.Tensor], xs: Sequence[tf.Tensor], upstream: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    return tf.gradients(ys, xs, upstream, unconnected_gradients=_ZERO)


def _crossing(
    tensors: Sequence[tf.Tensor], kept: set[tf.Operation]
) -> Iterator[tf.Tensor]:
    """Outputs of kept operations that a later pass reads."""
    for op in _ancestors(tensors, kept) - kept:
        yield from (one for one in op.inputs if one.op in kept)
    yield from (one for one in tensors if one.op in kept)


def _trace(function: Callable[..., Any], inputs: Sequence[tf.TensorSpec]) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(*inputs)


def _part(
    graph: Any, given: Sequence[tf.Tensor], wanted: Sequence[tf.Tensor]
) -> Callable[..., list[tf.Tensor]]:
    """The part of a graph that leads from some of its tensors to others."""

    def run(*values: tf.Tensor) -> list[tf.Tensor]:
        pairs = zip(given, values)
        shaped = {t.name: tf.ensure_shape(value, t.shape) for t, value in pairs}
        names = [t.name for t in wanted]
        return tf.graph_util.import_graph_def(graph, shaped, names, name="")

    function = tf.function(
        run,
        # Of a residual, a caller may not know the shape.
        [tf.TensorSpec(None, t.dtype) for t in given],
        autograph=False,
    )
    function.get_concrete_function()
    return function


def _ancestors(
    tensors: Iterable[tf.Tensor], ends: Container[tf.Operation] = ()
) -> set[tf.Operation]:
    """The operations that tensors depend on; what is behind `ends` does not count."""
    found: set[tf.Operation] = set()
    ahead = [tensor.op for tensor in tensors]
    while ahead:
        op = ahead.pop()
        if op not in found:
            found.add(op)
            if op not in ends:
                ahead += [*(t.op for t in op.inputs), *op.control_inputs]
    return found
