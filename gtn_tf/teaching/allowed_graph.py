"""Checks the graph of an untrusted SavedModel against a list of what is allowed.

A graph is a program. The list has what exports of gtn_tf's own teachers contain, and
anything else is refused: an operation, an attribute, a field of the file. It covers all
functions, the main graph and the objects, since TensorFlow uses all of them when it
loads or serves a file. docs/security.md says why.
"""

from __future__ import annotations

import graphlib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError, Message
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.core.protobuf.saved_object_graph_pb2 import SavedObjectGraph

from gtn_tf.errors import cut, first_line, shown
from gtn_tf.teaching import allowed_operations as allowed
from gtn_tf.teaching.errors import TeacherError

SIGNATURES = ("curriculum", "describe", "serving_default")
MOST_NODES = 20_000  # of all functions together
MOST_BYTES = 2**30  # of a variable
_MOST_CONSTANT_BYTES = 2**26  # of all constants together
_MOST_AXES = 8


class AllowedGraph(NamedTuple):
    """A graph that passed.

    Args:
        functions: Its functions by name.
        signatures: The name of the function behind each signature.
        objects: Its variables, and which of them each function reads.
    """

    functions: dict[str, FunctionDef]
    signatures: dict[str, str]
    objects: SavedObjectGraph


def check(content: bytes) -> AllowedGraph:
    """Checks every part of a `saved_model.pb`, and runs none.

    Args:
        content: The file.

    Returns:
        The parts that a teacher is read from.

    Raises:
        TeacherError: If the file is damaged, is not a teacher's, or has anything that
            no export of gtn_tf has.
    """
    try:
        model = SavedModel.FromString(content)
    except DecodeError as error:
        raise TeacherError(
            "expected a whole SavedModel, received a file that cannot be read "
            f"({first_line(error)})"
        ) from None
    if len(model.meta_graphs) != 1 or not model.meta_graphs[0].HasField(
        "object_graph_def"
    ):
        raise TeacherError(
            "expected a SavedModel of TensorFlow 2, received one of TensorFlow 1, or "
            "of several graphs"
        )
    graph = model.meta_graphs[0]
    functions = {one.signature.name: one for one in graph.graph_def.library.function}
    if len(functions) != len(graph.graph_def.library.function):
        _refuse("two functions of one name")
    signatures = _signatures(graph.object_graph_def)
    _expect_functions(graph, functions, signatures)
    _expect_objects(graph.object_graph_def, signatures)
    _expect_fields(model)
    return AllowedGraph(functions, signatures, graph.object_graph_def)


def _refuse(what: str) -> None:
    raise TeacherError(
        f"expected a graph that only computes, received one with {what}; nothing of it "
        "was run"
    )


def _signatures(objects: SavedObjectGraph) -> dict[str, str]:
    maps = [
        one for one in objects.nodes if one.user_object.identifier == "signature_map"
    ]
    found = {
        child.local_name: objects.nodes[child.node_id]
        for one in maps
        for child in one.children
        if 0 <= child.node_id < len(objects.nodes)
    }
    if len(maps) != 1 or set(found) != set(SIGNATURES):
        raise TeacherError(
            "expected a teacher's SavedModel with the signatures "
            f"{', '.join(SIGNATURES)}, found {cut(', '.join(found)) or 'none'}"
        )
    return {
        name: node.bare_concrete_function.concrete_function_name
        for name, node in found.items()
    }


def _expect_functions(
    graph: MetaGraphDef,
    functions: dict[str, FunctionDef],
    signatures: dict[str, str],
) -> None:
    main = {node.name: node for node in graph.graph_def.node}
    if len(main) != len(graph.graph_def.node):
        _refuse("two nodes of one name")
    saver = graph.saver_def
    save, restore = (
        main[name].attr["f"].func.name if name in main else ""
        for name in (saver.save_tensor_name.split(":")[0], saver.restore_op_name)
    )
    if save and save == restore:
        _refuse("one function that saves and restores")
    own = _reached(functions, signatures.values())
    for name, function in functions.items():
        rules, devices = allowed.FUNCTION, {""}
        if name not in own and name in (save, restore):
            rules, devices = (
                allowed.SAVE if name == save else allowed.RESTORE,
                allowed.CPU,
            )
            _expect_file_names_passed_in(function)
        _expect_nodes(function.node_def, rules, devices)
        notes = [function.attr, *(one.attr for one in function.arg_attr.values())]
        unknown = set().union(*notes) - allowed.NOTES
        if unknown:
            _refuse(f"the attribute {cut(min(unknown))} of a function")
    _expect_nodes(main.values(), allowed.MAIN, allowed.CPU)
    _expect_file_name_fed(graph, {save, restore})
    unused = set(functions) - own - {save, restore}
    if unused:
        _refuse(f"the function {cut(min(unused))}, which no signature uses")
    for name in _called(main.values()):
        if name not in functions:
            _refuse(f"a call of {cut(name)}, which is not in the file")
    if sum(len(one.node_def) for one in functions.values()) > MOST_NODES:
        _refuse(f"more than {MOST_NODES} operations")


def _expect_file_name_fed(graph: MetaGraphDef, savers: set[str]) -> None:
    """Expects the file name as an input of whoever saves or restores."""
    name = graph.saver_def.filename_tensor_name.split(":")[0]
    nodes = graph.graph_def.node
    fed = any(one.name == name and one.op == "Placeholder" for one in nodes)
    for node in nodes:
        if node.op in allowed.CALLS and node.attr["f"].func.name in savers:
            given = [one.split(":")[0] for one in node.input[:1]]
            if given != [name] or not fed:
                _refuse("a file of its own choice to save to or to restore from")


def _reached(functions: dict[str, FunctionDef], names: Iterable[str]) -> set[str]:
    calls: dict[str, list[str]] = {}
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in functions:
            _refuse(f"a call of {cut(name)}, which is not in the file")
        if name not in calls:
            calls[name] = list(_called(functions[name].node_def))
            todo += calls[name]
    try:
        graphlib.TopologicalSorter(calls).prepare()
    except graphlib.CycleError:
        _refuse("a function that calls itself")
    return set(calls)


def _called(nodes: Iterable[NodeDef]) -> Iterator[str]:
    return (node.attr["f"].func.name for node in nodes if node.op in allowed.CALLS)


def _expect_nodes(
    nodes: Iterable[NodeDef], rules: Mapping[str, frozenset[str]], devices: set[str]
) -> None:
    for node in nodes:
        if node.op not in rules:
            _refuse(f"the operation {cut(node.op)}")
        if node.device not in devices:
            _refuse(f"the device {cut(node.device)}")
        unknown = set(node.attr) - rules[node.op] - allowed.NOTES
        if unknown:
            _refuse(f"the attribute {cut(min(unknown))} of {node.op}")
        for name, value in node.attr.items():
            calls = value.HasField("func") or value.list.func
            if calls and not (name == "f" and node.op in allowed.CALLS):
                _refuse(f"a function as {cut(name)} of {node.op}")
        if node.op in allowed.CALLS:
            _expect_plain_settings(node.attr["config_proto"].s)


def _expect_plain_settings(content: bytes) -> None:
    try:
        settings = ConfigProto.FromString(content)
    except DecodeError:
        _refuse("settings that cannot be read")
    _expect_fields(settings)


def _expect_file_names_passed_in(function: FunctionDef) -> None:
    nodes = {node.name: node.op for node in function.node_def}
    # The first, which the main graph sets to the name that it was given.
    arguments = [one.name for one in function.signature.input_arg[:1]]
    for node in function.node_def:
        if node.op in allowed.FILE_NAMES:
            place, wanted = allowed.FILE_NAMES[node.op]
            source = node.input[place] if len(node.input) > place else ""
            found = source if source in arguments else nodes.get(source.split(":")[0])
            if found != wanted:
                _refuse(f"the operation {node.op} on a file of its own choice")
        for text in node.attr["value"].tensor.string_val if node.op == "Const" else ():
            if b".." in text:
                _refuse("a saver that leaves its folder")


def _expect_objects(objects: SavedObjectGraph, signatures: dict[str, str]) -> None:
    unknown = set(objects.concrete_functions) - set(signatures.values())
    if unknown:
        _refuse(f"the callable function {cut(min(unknown))}, which no signature uses")
    for node in objects.nodes:
        kind = node.WhichOneof("kind")
        if kind == "user_object" and node.user_object.identifier not in allowed.OBJECTS:
            _refuse(f"an object of the kind {cut(node.user_object.identifier)}")
        if kind == "bare_concrete_function":
            name = node.bare_concrete_function.concrete_function_name
            if name not in signatures.values():
                _refuse(f"the callable function {cut(name)}, which no signature uses")
    for name in signatures.values():
        if name not in objects.concrete_functions:
            _refuse(f"no arguments of {cut(name)}")
        for number in objects.concrete_functions[name].bound_inputs:
            if not (
                0 <= number < len(objects.nodes)
                and objects.nodes[number].HasField("variable")
            ):
                _refuse("a function that is bound to something else than a variable")


def _expect_fields(message: Message) -> None:
    """Expects only known fields, and known types and shapes, at any depth."""
    constants = 0
    for one in _messages(message):
        kind = one.DESCRIPTOR.name
        if kind == "TensorShapeProto":
            _elements(one)
        elif kind == "TensorProto":
            constants += _expect_constant(one)
        elif kind == "SavedVariable" and one.dtype not in allowed.TYPES - {
            types_pb2.DT_STRING
        }:
            _refuse("a variable that holds no numbers")
    if constants > _MOST_CONSTANT_BYTES:
        _refuse(f"constants of more than {_MOST_CONSTANT_BYTES} bytes")


def _messages(message: Message) -> Iterator[Message]:
    todo = [message]
    while todo:
        one = todo.pop()
        yield one
        kind = one.DESCRIPTOR.name
        for field, value in one.ListFields():
            if field.name not in allowed.FIELDS.get(kind, ()):
                _refuse(f"the field {field.name} of {kind}")
            if field.message_type is not None and field.name not in allowed.UNREAD:
                todo += _children(field, value)


def _children(field: Any, value: Any) -> Iterable[Message]:
    if field.message_type.GetOptions().map_entry:
        kind = field.message_type.fields_by_name["value"].message_type
        return value.values() if kind is not None else ()
    return (value,) if isinstance(value, Message) else value


def _elements(shape: Message) -> int:
    """The number of elements of a shape; an axis of unknown length counts as 1."""
    sizes = [axis.size for axis in shape.dim]
    count = math.prod(max(size, 1) for size in sizes)
    if len(sizes) > _MOST_AXES or min(sizes, default=0) < -1 or count > MOST_BYTES // 4:
        _refuse(f"the shape {shown(sizes)}")
    return count


def _expect_constant(tensor: Message) -> int:
    if tensor.dtype not in allowed.TYPES:
        _refuse("a constant that holds neither numbers nor text")
    if any(axis.size < 0 for axis in tensor.tensor_shape.dim):
        _refuse("a constant of unknown shape")
    return 8 * _elements(tensor.tensor_shape)
