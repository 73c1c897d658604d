"""A function and its derivatives as separate graphs that share their work."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

# What is worth keeping for the backward pass; all else is computed again. A max-pooling
# is, too: oneDNN's fast gradient needs the pooling in the same graph.
_SLOW = {"Conv2D", "DepthwiseConv2dNative", "FusedBatchNormV3", "Relu", "LeakyRelu"}
_NOT_KEPT = {"Placeholder", "Const", "MaxPool", "MaxPoolGrad", "MaxPoolGradGrad"}

Pass = Callable[..., list[tf.Tensor]]


class Passes(NamedTuple):
    """`(x, weights, statistics) -> (y, statistics)` and its derivatives.

    What a pass saves for later ones, its residuals, comes behind its results.

    Args:
        forward: `(x, w, s)` -> `y, s'`, residuals.
        backward: `(x, w, s, of_y, *residuals)` -> gradients of `x, w`, residuals.
        full: `(x, w, s, of_y, of_s', *residuals)` -> gradients of `x, w, s`.
        second: `(x, w, s, of_y, *residuals, *residuals of backward, of of_x, of of_w)`
            -> gradients of `x, w, of_y`: the derivative of `backward`.
        residuals: How many `forward` and `backward` have.
    """

    forward: Pass
    backward: Pass
    full: Pass | None
    second: Pass | None
    residuals: tuple[int, int]


def passes_of(
    function: Callable[..., Sequence[tf.Tensor]],
    inputs: Sequence[tf.TensorSpec],
    output: tf.TensorSpec,
    full: bool,
    twice: bool,
    inline: bool,
) -> Passes:
    """Splits the graph of a function and its derivatives into its passes.

    `tf.switch_case` differentiates by itself, but then each branch hands over what any
    of them might need: among eleven operations, training is twice as slow.

    Args:
        function: Pure, `(x, weights, statistics) -> (y, statistics)`.
        inputs: Of the function.
        output: `y`.
        full: Whether the statistics have derivatives, too.
        twice: Whether the gradients of `x` and the weights have derivatives.
        inline: Whether a pass in a graph becomes a part of it, not a call. A branch has
            to call: oneDNN does not speed up what is in the branch itself.
    """

    def all_passes(*given: tf.Tensor) -> list[Sequence[tf.Tensor]]:
        x, w, s, of_y, of_s, *again = given
        y, after = function(x, w, s)
        gradients = _gradients([y], [x, w], [of_y])
        of_all = _gradients([y, after], [x, w, s], [of_y, of_s]) if full else []
        second = _gradients(gradients, [x, w, of_y], again) if twice else []
        return [[y, after], gradients, of_all, second]

    with tf.init_scope():
        specs = [*inputs, output, inputs[2], *inputs[:2]]
        traced = tf.function(all_passes, autograph=False).get_concrete_function(*specs)
    results, gradients, of_all, second = traced.structured_outputs
    keep = _is_float if twice else _is_slow
    there = {op for op in _ancestors(results) if keep(op)}
    back = {op for op in _ancestors(gradients, there) - there if twice and keep(op)}
    wanted = [*_crossing(gradients, there), *_crossing(of_all, there)]
    wanted = [*_distinct([*wanted, *_crossing(second, there | back)])]
    saved = [one for one in wanted if one.op in there]
    more = [one for one in wanted if one.op in back]
    graph = traced.graph.as_graph_def()
    x, w, s, of_y, of_s, *again = traced.inputs
    backward = [x, w, s, of_y, *saved]
    part = functools.partial(_part, graph, inline)
    return Passes(
        part([x, w, s], [*results, *saved]),
        part(backward, [*gradients, *more]),
        part([x, w, s, of_y, of_s, *saved], of_all) if full else None,
        part([*backward, *more, *again], second) if twice else None,
        (len(saved), len(more)),
    )


def _gradients(
    ys: Sequence[tf.Tensor], xs: Sequence[tf.Tensor], upstream: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    zero = tf.UnconnectedGradients.ZERO
    return tf.gradients(ys, xs, upstream, unconnected_gradients=zero)


def _is_slow(op: tf.Operation) -> bool:
    return op.type in _SLOW


def _is_float(op: tf.Operation) -> bool:
    floats = bool(op.outputs) and all(one.dtype.is_floating for one in op.outputs)
    return floats and op.type not in _NOT_KEPT


def _part(
    graph: Any, inline: bool, given: Sequence[tf.Tensor], wanted: Sequence[tf.Tensor]
) -> Pass:
    """The part of a graph that leads from some of its tensors to others."""
    ends = {tensor.op for tensor in given}
    inside = {op.name: op for op in _ancestors(wanted, ends) - ends}
    read = {one.ref() for op in inside.values() for one in op.inputs}
    read |= {tensor.ref() for tensor in wanted}
    part = tf.compat.v1.GraphDef(versions=graph.versions, library=graph.library)
    part.node.extend(node for node in graph.node if node.name in inside)
    for node in part.node:  # It may name another part's operations, and needs none.
        node.attr.pop("_class", None)
        inputs = [name for name in node.input if not name.startswith("^")]
        del node.input[:]
        node.input.extend(inputs)

    def run(*values: tf.Tensor) -> list[tf.Tensor]:
        pairs = [(t, value) for t, value in zip(given, values) if t.ref() in read]
        shaped = {t.name: tf.ensure_shape(value, t.shape) for t, value in pairs}
        return tf.graph_util.import_graph_def(part, shaped, [t.name for t in wanted])

    # Of a residual, a caller may not know the shape.
    signature = [tf.TensorSpec(None, t.dtype) for t in given]
    called = tf.function(run, signature, autograph=False)

    def call(*values: tf.Tensor) -> list[tf.Tensor]:
        in_graph = inline and not tf.executing_eagerly()
        return run(*values) if in_graph else called(*values)

    return call


def _crossing(
    tensors: Sequence[tf.Tensor], kept: set[tf.Operation]
) -> Iterator[tf.Tensor]:
    """Outputs of kept operations that tensors depend on, nearest first."""
    for op in _ancestors(tensors, kept) - kept:
        yield from (one for one in op.inputs if one.op in kept)
    yield from (one for one in tensors if one.op in kept)


def _distinct(tensors: Iterable[tf.Tensor]) -> Iterable[tf.Tensor]:
    return {one.ref(): one for one in tensors}.values()


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
