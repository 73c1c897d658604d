"""Rebuilds the computation of an allowed graph, operation by operation.

TensorFlow's loader never sees the file: it would restore objects, register functions
and hand whole graphs to the runtime. Here each operation of a function is made afresh,
from its name, its inputs and its plain attributes, and TensorFlow says how large its
result will be before the next is made and before anything runs.
"""

from __future__ import annotations

import graphlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.framework.op_def_pb2 import OpDef
from tensorflow.python.framework import op_def_registry

from gtn_tf.errors import cut, shown
from gtn_tf.teaching.allowed_operations import CALLS, COMPUTE
from gtn_tf.teaching.errors import TeacherError

_RENAMED = {"reduction_indices": "axis"}  # in Python
MOST_OPERATIONS = 5_000  # each call of a function counts
BYTES = 2**30  # of all results together,
BYTES_AN_IMAGE = 2**25  # and more for each image


class Rebuilder:
    """Builds functions into the graph that is being traced.

    Args:
        functions: All functions of the file by name, checked by `allowed_graph`.
        images: Number of images made, which bounds the memory.
    """

    def __init__(self, functions: Mapping[str, FunctionDef], images: int) -> None:
        self._functions = functions
        self._bytes = BYTES + images * BYTES_AN_IMAGE
        self._operations = MOST_OPERATIONS

    def build(self, name: str, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        """Builds one function, and those it calls into it.

        Args:
            name: The function.
            inputs: Its arguments in their order; a tensor for each variable.

        Returns:
            Its results in their order.

        Raises:
            TeacherError: If it is larger than a teacher's, or of unknown size.
            Exception: TensorFlow's, for operations that do not fit their inputs.
        """
        function = self._functions[name]
        arguments = [one.name for one in function.signature.input_arg]
        if len(arguments) != len(inputs):
            raise TeacherError(f"expected {len(arguments)} inputs of {cut(name)}")
        made = {one: [tensor] for one, tensor in zip(arguments, inputs)}
        nodes = {node.name: node for node in function.node_def}
        results = [function.ret[one.name] for one in function.signature.output_arg]
        for node in _in_order(nodes, results, made):
            taken = [_result(made, one, nodes) for one in node.input if one[0] != "^"]
            made[node.name] = self._make(node, taken)
        return [_result(made, one, nodes) for one in results]

    def _make(self, node: NodeDef, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        self._operations -= 1
        if self._operations < 0:
            raise TeacherError(f"expected at most {MOST_OPERATIONS} operations")
        if node.op in CALLS:
            return self.build(node.attr["f"].func.name, inputs)
        if node.op == "ReadVariableOp":  # a variable is a tensor already
            return inputs
        results = _constant(node) if node.op == "Const" else _operation(node, inputs)
        for result in results:
            size = result.dtype.size * (result.shape.num_elements() or 0)
            self._bytes -= size
            if not result.shape.is_fully_defined() or self._bytes < 0:
                raise TeacherError(
                    f"expected results of known and moderate size, received "
                    f"{shown(result.shape)} of {node.op}"
                )
        return results


def _in_order(
    nodes: Mapping[str, NodeDef], results: list[str], made: Mapping[str, Any]
) -> list[NodeDef]:
    """The nodes that the results need, in topological order."""
    needs: dict[str, set[str]] = {}
    todo = [one.split(":")[0] for one in results]
    while todo:
        name = todo.pop()
        if name in made or name in needs:
            continue
        if name not in nodes:
            raise TeacherError(f"expected a graph with {cut(name)}, found none")
        # Control inputs (^) run first, such as assertions on the arguments, which are
        # ours.
        needs[name] = {one.split(":")[0] for one in nodes[name].input if one[:1] != "^"}
        todo += needs[name]
    try:
        order = list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError:
        raise TeacherError("expected a graph without cycles") from None
    return [nodes[name] for name in order if name not in made]


def _result(
    made: Mapping[str, list[tf.Tensor]], name: str, nodes: Mapping[str, NodeDef]
) -> tf.Tensor:
    """Finds `node:result:place`, or an argument."""
    node, *rest = name.split(":")
    place = 0
    if len(rest) == 2 and rest[1].isdecimal():
        place = int(rest[1])
        outputs = _definition(nodes[node].op).output_arg
        names = [one.name for one in outputs]
        if rest[0] in names and len(names) > 1:  # of one tensor each, in COMPUTE
            place += names.index(rest[0])
    if place >= len(made[node]):
        raise TeacherError(f"expected a result {cut(name)}, found none")
    return made[node][place]


def _definition(name: str) -> OpDef:
    return op_def_registry.get(name)


def _constant(node: NodeDef) -> list[tf.Tensor]:
    return [tf.constant(tf.make_ndarray(node.attr["value"].tensor))]


def _operation(node: NodeDef, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
    if node.op not in COMPUTE:
        raise TeacherError(f"expected a computation, received {cut(node.op)}")
    definition = _definition(node.op)
    arguments: dict[str, Any] = {}
    told_by_inputs = set()
    at = 0
    for one in definition.input_arg:
        told_by_inputs |= {one.type_attr, one.number_attr, one.type_list_attr}
        if one.number_attr or one.type_list_attr:
            count = (
                node.attr[one.number_attr].i
                if one.number_attr
                else len(node.attr[one.type_list_attr].list.type)
            )
            taken: Any = inputs[at : at + count]
        else:
            count, taken = 1, inputs[at]
        arguments[_RENAMED.get(one.name, one.name)] = taken
        at += count
    for one in definition.attr:
        if one.name in node.attr and one.name not in told_by_inputs:
            arguments[one.name] = _plain(node.attr[one.name], one.type)
    results = getattr(tf.raw_ops, node.op)(**arguments)
    return list(results) if isinstance(results, (list, tuple)) else [results]


def _plain(value: Any, kind: str) -> Any:
    if kind == "type":
        return tf.as_dtype(value.type)
    if kind == "shape":
        return tf.TensorShape(value.shape)
    if kind == "string":
        return value.s.decode()
    if kind == "list(int)":
        return list(value.list.i)
    return {"int": value.i, "float": value.f, "bool": value.b}[kind]
