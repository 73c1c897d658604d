"""A function and its vector-Jacobian product as two graphs that share their work."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

# What is worth keeping for the backward pass; all else is computed again. A max-pooling
# is, too: oneDNN's fast gradient needs the pooling in the same graph.
_KEPT = {"Conv2D", "DepthwiseConv2dNative", "FusedBatchNormV3", "Relu", "LeakyRelu"}


class ForwardBackward(NamedTuple):
    """A function in two parts, each traced once.

    Args:
        forward: `(*inputs) -> [*outputs, *residuals]`.
        backward: `(*inputs, gradient of the first output, *residuals)`, which gives a
            gradient for each of the first inputs.
        residuals: How many there are.
    """

    forward: Callable[..., list[tf.Tensor]]
    backward: Callable[..., list[tf.Tensor]]
    residuals: int


def forward_backward(
    function: Callable[..., Sequence[tf.Tensor]],
    inputs: Sequence[tf.TensorSpec],
    sources: int,
) -> ForwardBackward:
    """Splits the graph of a function and its gradient in two.

    `tf.switch_case` differentiates by itself, but then each branch hands over every
    tensor that any branch might need, and eleven operations are twice as slow.

    Args:
        function: Pure; gives tensors, of which the first is differentiated.
        inputs: Of the function.
        sources: The gradient is with respect to so many of the first inputs.
    """
    with tf.init_scope():
        output = _trace(function, inputs).outputs[0]

        def both(*values: tf.Tensor) -> Any:
            *values, upstream = values
            outputs = function(*values)
            gradients = tf.gradients(
                outputs[:1],
                values[:sources],
                [upstream],
                unconnected_gradients=tf.UnconnectedGradients.ZERO,
            )
            return list(outputs), gradients

        upstream = tf.TensorSpec(output.shape, output.dtype)
        traced = _trace(both, [*inputs, upstream])
        given, (results, gradients) = traced.inputs, traced.structured_outputs
        results, gradients = (
            traced.outputs[: len(results)],
            traced.outputs[len(results) :],
        )
        kept = {op for op in _ancestors(results) if op.type in _KEPT}
        residuals = {
            one.ref(): one
            for op in _ancestors(gradients, kept) - kept
            for one in op.inputs
            if one.op in kept
        }
        residuals.update({g.ref(): g for g in gradients if g.op in kept})
        saved = [*residuals.values()]
        graph = traced.graph.as_graph_def()
        return ForwardBackward(
            _part(graph, given[:-1], [*results, *saved]),
            _part(graph, [*given, *saved], gradients),
            len(saved),
        )


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
        # One call, not a copy of the graph at every place that has this operation.
        experimental_attributes={"_noinline": True},
    )
    return function.get_concrete_function()


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
