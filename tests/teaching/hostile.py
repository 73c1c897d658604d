"""Makes hostile SavedModels: a good teacher's file, with one thing changed.

`MODELS` has a function for each. It changes the only graph of the file; where harm can
be seen, it is a file that appears at `target`.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import tensorflow as tf
from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.framework.types_pb2 import (
    DT_FLOAT,
    DT_INT32,
    DT_RESOURCE,
    DT_STRING,
    DT_VARIANT,
)
from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

MODELS: dict[str, Callable[[MetaGraphDef, str], None]] = {}


def _model(
    change: Callable[[MetaGraphDef, str], None],
) -> Callable[[MetaGraphDef, str], None]:
    MODELS[change.__name__.replace("_", " ")] = change
    return change


# ----------------------------------------------------------------------------------
# Finding and making parts


def function(graph: MetaGraphDef, part: str) -> FunctionDef:
    """The function whose name has a part, such as `_curriculum_`."""
    return next(
        one
        for one in graph.graph_def.library.function
        if part in one.signature.name and "wrapper" not in one.signature.name
    )


def constant(name: str, value: object) -> NodeDef:
    node = NodeDef(name=name, op="Const")
    tensor = tf.make_tensor_proto(value)
    node.attr["value"].tensor.CopyFrom(tensor)
    node.attr["dtype"].type = tensor.dtype
    return node


def add(nodes: object, op: str, *inputs: str, **attributes: object) -> NodeDef:
    """Adds an operation that is called `evil`."""
    node = nodes.add(name="evil", op=op, input=inputs)
    for name, value in attributes.items():
        attribute = node.attr[name]
        if name == "f" or name == "body":
            attribute.func.name = value
        elif isinstance(value, bool):
            attribute.b = value
        elif isinstance(value, str):
            attribute.s = value.encode()
        elif isinstance(value, list):
            attribute.list.type.extend(value)
        else:
            attribute.type = value
    return node


def run_in(one: FunctionDef) -> None:
    """Makes all that a function gives wait for `evil`."""
    for result in one.ret.values():
        wanted = result.split(":")[0]
        for node in one.node_def:
            if node.name == wanted:
                node.input.append("^evil")
    one.control_ret["evil"] = "evil"
    one.signature.control_output.append("evil")
    one.signature.is_stateful = True


def write_in(one: FunctionDef, target: str) -> None:
    one.node_def.extend([constant("where", target), constant("what", "owned")])
    add(one.node_def, "WriteFile", "where:output:0", "what:output:0")
    run_in(one)


def writer(graph: MetaGraphDef, target: str, name: str = "writer") -> FunctionDef:
    """Adds a function that writes a file."""
    one = graph.graph_def.library.function.add()
    one.signature.name = name
    one.node_def.extend([constant("where", target), constant("what", "owned")])
    add(one.node_def, "WriteFile", "where:output:0", "what:output:0")
    one.control_ret["evil"] = "evil"
    one.signature.control_output.append("evil")
    one.signature.is_stateful = True
    return one


def objects(graph: MetaGraphDef) -> object:
    return graph.object_graph_def.nodes


def variable(graph: MetaGraphDef) -> object:
    return next(one.variable for one in objects(graph) if one.HasField("variable"))


# ----------------------------------------------------------------------------------
# One operation in the function that a lesson is asked from

OPERATIONS = """
    Abort AccumulatorTakeGradient AnonymousIteratorV2 AsString AssignVariableOp Barrier
    BatchFunction Bucketize Case CollectiveReduceV2 CompressElement
    ConfigureDistributedTPU CreateSummaryFileWriter DataServiceDatasetV2
    DatasetFromGraph DatasetToGraphV2 DebugIdentity DebugIdentityV2 DebugIdentityV3
    DebugNanCount DebugNumericSummaryV2 DecodeAndCropJpeg DecodeBase64 DecodeBmp
    DecodeCSV DecodeCompressed DecodeGif DecodeImage DecodeJSONExample DecodeJpeg
    DecodePng DecodeProtoV2 DecodeRaw DecodeWav DeleteSessionTensor DestroyResourceOp
    EagerPyFunc EncodeProto Enter Exit FIFOQueueV2 FixedLengthRecordDatasetV2 For
    GeneratorDataset GetSessionHandleV2 HashTableV2 IdentityReaderV2 If ImmutableConst
    InitializeTableFromTextFileV2 IteratorFromStringHandleV2 LMDBDataset LoadDataset
    LogicalAnd LookupTableImportV2 LoopCond MapDataset MapDefun MatchingFiles
    MatchingFilesDataset Merge MergeV2Checkpoints NextIteration OneShotIterator
    ParseExampleV2 ParseTensor Print PrintV2 PyFunc PyFuncStateless QueueDequeueV2
    RandomUniform ReadFile ReaderReadV2 RecordInput RegisterDatasetV2 RemoteCall
    RemoteFusedGraphExecute Restore RestoreSlice RestoreV2 RpcCall Save SaveDatasetV2
    SaveSlices SaveV2 SdcaFprint SendTPUEmbeddingGradients ShardedFilename SleepDataset
    SnapshotDatasetV2 SqlDataset Stage StatelessCase StatelessIf StatelessWhile
    StringFormat Switch SymbolicGradient TFRecordDatasetV2 TFRecordReaderV2 TPUExecute
    TPUReplicatedInput TemporaryVariable TextFileReaderV2 TextLineDataset
    TextLineReaderV2 UncompressElement VarHandleOp VariableV2 While WholeFileReaderV2
    WriteAudioSummary WriteFile WriteGraphSummary WriteRawProtoSummary WriteSummary
    XlaCallModule XlaLaunch _Recv _Send NoSuchOperation
""".split()


def _operation(name: str) -> Callable[[MetaGraphDef, str], None]:
    def change(graph: MetaGraphDef, target: str) -> None:
        one = function(graph, "_curriculum_")
        one.node_def.add().CopyFrom(constant("where", target))
        add(one.node_def, name, "where:output:0")
        run_in(one)

    return change


MODELS.update({f"operation {name}": _operation(name) for name in OPERATIONS})


# ----------------------------------------------------------------------------------
# A known harm in unexpected places


@_model
def writes_when_asked_for_a_lesson(graph, target):
    write_in(function(graph, "_curriculum_"), target)


@_model
def writes_when_described(graph, target):
    write_in(function(graph, "_describe_"), target)


@_model
def writes_when_served(graph, target):
    write_in(function(graph, "_serve_"), target)


@_model
def writes_when_restored(graph, target):
    write_in(function(graph, "_traced_restore_"), target)


@_model
def writes_when_saved(graph, target):
    write_in(function(graph, "_traced_save_"), target)


@_model
def restore_saves_too(graph, target):
    one = function(graph, "_traced_restore_")
    one.node_def.extend([constant("where", target), constant("what", "owned")])
    inputs = ("where:output:0", "what:output:0", "what:output:0", "what:output:0")
    add(one.node_def, "SaveV2", *inputs, dtypes=[DT_STRING])
    run_in(one)


def _own_file(graph, target, part, op, place):
    one = function(graph, part)
    one.node_def.add().CopyFrom(constant("where", target))
    node = next(node for node in one.node_def if node.op == op)
    node.input[place] = "where:output:0"


@_model
def restores_from_a_file_of_its_choice(graph, target):
    _own_file(graph, "/etc/passwd", "_traced_restore_", "RestoreV2", 0)


@_model
def saves_to_a_file_of_its_choice(graph, target):
    _own_file(graph, target, "_traced_save_", "SaveV2", 0)


@_model
def shards_a_file_of_its_choice(graph, target):
    _own_file(graph, target, "_traced_save_", "ShardedFilename", 0)


@_model
def joins_a_file_of_its_choice(graph, target):
    _own_file(graph, target, "_traced_save_", "StringJoin", 0)


@_model
def merges_into_a_file_of_its_choice(graph, target):
    _own_file(graph, target, "_traced_save_", "MergeV2Checkpoints", 1)


@_model
def saves_outside_its_folder(graph, target):
    one = function(graph, "_traced_save_")
    node = next(n for n in one.node_def if n.attr["value"].tensor.string_val)
    node.attr["value"].tensor.string_val[0] = b"/../../../target"


def _feed(graph, name):
    """Gives whoever saves or restores a file name out of the graph."""
    graph.graph_def.node.add().CopyFrom(constant("where", "/etc/passwd"))
    node = next(node for node in graph.graph_def.node if node.name == name)
    node.input[0] = "where"


@_model
def restores_what_the_main_graph_says(graph, target):
    _feed(graph, graph.saver_def.restore_op_name)


@_model
def saves_where_the_main_graph_says(graph, target):
    _feed(graph, graph.saver_def.save_tensor_name.split(":")[0])


@_model
def file_name_is_another_argument(graph, target):
    one = function(graph, "_traced_restore_")
    first, second = one.signature.input_arg[:2]
    first.name, second.name = second.name, first.name


@_model
def file_name_is_a_constant(graph, target):
    name = graph.saver_def.filename_tensor_name.split(":")[0]
    node = next(node for node in graph.graph_def.node if node.name == name)
    node.CopyFrom(constant(name, "/etc/passwd"))


@_model
def restores_by_saving(graph, target):
    saver = graph.saver_def
    saver.restore_op_name = saver.save_tensor_name.split(":")[0]
    restore = function(graph, "_traced_restore_").signature.name
    nodes = graph.graph_def.node
    for node in [
        n for n in nodes if "f" in n.attr and n.attr["f"].func.name == restore
    ]:
        nodes.remove(node)
    library = graph.graph_def.library.function
    library.remove(function(graph, "_traced_restore_"))


@_model
def a_lesson_saves(graph, target):
    save = function(graph, "_traced_save_").signature.name
    one = function(graph, "_curriculum_")
    add(one.node_def, "PartitionedCall", "step", f=save, Tin=[DT_INT32], Tout=[])
    run_in(one)


@_model
def a_signature_is_the_saver(graph, target):
    save = function(graph, "_traced_save_").signature.name
    node = objects(graph)[
        next(
            c.node_id
            for n in objects(graph)
            for c in n.children
            if "desc" in c.local_name
        )
    ]
    known = graph.object_graph_def.concrete_functions
    known[save].CopyFrom(known[node.bare_concrete_function.concrete_function_name])
    node.bare_concrete_function.concrete_function_name = save


@_model
def writes_in_the_main_graph(graph, target):
    nodes = graph.graph_def.node
    nodes.extend([constant("where", target), constant("what", "owned")])
    add(nodes, "WriteFile", "where", "what")


@_model
def init_operation_writes(graph, target):
    writes_in_the_main_graph(graph, target)
    graph.collection_def["saved_model_main_op"].node_list.value[0] = "evil"


@_model
def init_operation_calls(graph, target):
    writer(graph, target)
    add(graph.graph_def.node, "StatefulPartitionedCall", f="writer", Tin=[], Tout=[])
    graph.collection_def["saved_model_main_op"].node_list.value[0] = "evil"


@_model
def legacy_init_operation(graph, target):
    graph.collection_def["legacy_init_op"].node_list.value.append("NoOp")
    writer(graph, target)


@_model
def assets_collection(graph, target):
    graph.collection_def["saved_model_assets"].any_list.value.add()


@_model
def queue_runners(graph, target):
    graph.collection_def["queue_runners"].bytes_list.value.append(b"evil")


@_model
def an_asset(graph, target):
    asset = graph.asset_file_def.add(filename="../../../etc/passwd")
    asset.tensor_info.name = "saver_filename:0"


@_model
def restore_is_something_else(graph, target):
    writer(graph, target)
    add(graph.graph_def.node, "StatefulPartitionedCall", f="writer", Tin=[], Tout=[])
    graph.saver_def.restore_op_name = "evil"


# ----------------------------------------------------------------------------------
# What TensorFlow does not call stateful, and yet it does harm


def _identity(graph: MetaGraphDef, op: str) -> NodeDef:
    """Puts an operation between a lesson's rate and who asks for it."""
    one = function(graph, "_curriculum_")
    result = next(arg.name for arg in one.signature.output_arg if arg.type == DT_FLOAT)
    node = one.node_def.add(name="evil", op=op, input=[one.ret[result]])
    node.attr["T"].type = DT_FLOAT
    one.ret[result] = "evil:output:0"
    return node


@_model
def dumps_for_a_debugger(graph, target):
    node = _identity(graph, "DebugIdentity")
    node.attr["tensor_name"].s = b"evil:0"
    node.attr["debug_urls"].list.s.append(f"file://{target}".encode())


@_model
def calls_python_of_the_process(graph, target):
    node = _identity(graph, "PyFuncStateless")
    del node.attr["T"]
    node.attr["token"].s = b"pyfunc_0"
    node.attr["Tin"].list.type.append(DT_FLOAT)
    node.attr["Tout"].list.type.append(DT_FLOAT)


@_model
def hides_a_graph_in_a_string(graph, target):
    hidden = GraphDef()
    hidden.node.extend([constant("where", target), constant("what", "owned")])
    add(hidden.node, "WriteFile", "where", "what")
    one = function(graph, "_curriculum_")
    one.node_def.add().CopyFrom(constant("text", hidden.SerializeToString()))
    add(one.node_def, "DatasetFromGraph", "text:output:0")
    run_in(one)


@_model
def decodes_by_a_file(graph, target):
    one = function(graph, "_curriculum_")
    one.node_def.add().CopyFrom(constant("text", "evil"))
    node = add(one.node_def, "DecodeProtoV2", "text:output:0")
    node.attr["descriptor_source"].s = b"/etc/passwd"
    run_in(one)


# ----------------------------------------------------------------------------------
# Functions that nobody accounts for


@_model
def a_function_that_nobody_calls(graph, target):
    writer(graph, target)


@_model
def a_harmless_function_that_nobody_calls(graph, target):
    one = graph.graph_def.library.function.add()
    one.signature.name = "idle"
    one.node_def.add().CopyFrom(constant("three", 3))


@_model
def a_function_missing_in_the_map(graph, target):
    """TensorFlow calls it all the same: a node of the objects names it."""
    one = writer(graph, target)
    node = objects(graph).add()
    node.bare_concrete_function.concrete_function_name = one.signature.name
    objects(graph)[0].children.add(node_id=len(objects(graph)) - 1, local_name="_init")


@_model
def a_signature_missing_in_the_map(graph, target):
    known = graph.object_graph_def.concrete_functions
    known.pop(next(name for name in known if "curriculum" in name))


@_model
def another_callable_function(graph, target):
    one = writer(graph, target)
    graph.object_graph_def.concrete_functions[one.signature.name].SetInParent()


@_model
def a_call_of_a_writer(graph, target):
    writer(graph, target)
    one = function(graph, "_curriculum_")
    add(one.node_def, "StatefulPartitionedCall", f="writer", Tin=[], Tout=[])
    run_in(one)


@_model
def a_call_of_a_call_of_a_writer(graph, target):
    writer(graph, target)
    middle = graph.graph_def.library.function.add()
    middle.signature.name = "middle"
    add(middle.node_def, "StatefulPartitionedCall", f="writer", Tin=[], Tout=[])
    one = function(graph, "_curriculum_")
    add(one.node_def, "StatefulPartitionedCall", f="middle", Tin=[], Tout=[])
    run_in(one)


@_model
def a_call_of_nothing(graph, target):
    one = function(graph, "_curriculum_")
    add(one.node_def, "PartitionedCall", f="elsewhere", Tin=[], Tout=[])
    run_in(one)


@_model
def a_main_graph_that_calls_nothing(graph, target):
    add(graph.graph_def.node, "PartitionedCall", f="elsewhere", Tin=[], Tout=[])


@_model
def a_function_as_an_operation(graph, target):
    writer(graph, target)
    one = function(graph, "_curriculum_")
    add(one.node_def, "writer")
    run_in(one)


@_model
def a_function_named_like_an_operation(graph, target):
    writer(graph, target, name="Tanh")


@_model
def a_function_as_an_attribute(graph, target):
    writer(graph, target)
    node = function(graph, "_curriculum_").node_def[0]
    node.attr["_output_shapes"].func.name = "writer"


@_model
def functions_in_a_list(graph, target):
    writer(graph, target)
    node = function(graph, "_curriculum_").node_def[0]
    node.attr["_output_shapes"].list.func.add(name="writer")


@_model
def two_functions_of_one_name(graph, target):
    name = function(graph, "_curriculum_").signature.name
    writer(graph, target, name=name)


@_model
def a_gradient(graph, target):
    name = function(graph, "_curriculum_").signature.name
    writer(graph, target)
    graph.graph_def.library.gradient.add(function_name=name, gradient_func="writer")


@_model
def a_registered_gradient(graph, target):
    graph.graph_def.library.registered_gradients.add(
        gradient_func="evil", registered_op_type="Tanh"
    )


@_model
def a_gradient_by_attribute(graph, target):
    node = function(graph, "_curriculum_").node_def[0]
    node.attr["_gradient_op_type"].s = b"CustomGradient-1"


@_model
def another_implementation(graph, target):
    function(graph, "_curriculum_").attr["api_implements"].s = b"evil"


@_model
def arguments_on_a_device(graph, target):
    function(graph, "_curriculum_").arg_attr[0].attr["_composite_device"].s = b"evil"


# ----------------------------------------------------------------------------------
# Endless and exponential work


@_model
def a_function_that_calls_itself(graph, target):
    one = function(graph, "_curriculum_")
    add(one.node_def, "PartitionedCall", f=one.signature.name, Tin=[], Tout=[])
    run_in(one)


@_model
def functions_that_call_each_other(graph, target):
    for here, there in (("a", "b"), ("b", "a")):
        one = graph.graph_def.library.function.add()
        one.signature.name = here
        add(one.node_def, "PartitionedCall", f=there, Tin=[], Tout=[])
    one = function(graph, "_curriculum_")
    add(one.node_def, "PartitionedCall", f="a", Tin=[], Tout=[])
    run_in(one)


def _loop(op):
    def change(graph, target):
        for name, value in (("condition", True), ("body", 3)):
            one = graph.graph_def.library.function.add()
            one.signature.name = name
            one.node_def.add().CopyFrom(constant("value", value))
        one = function(graph, "_curriculum_")
        node = add(one.node_def, op, "step", body="body", T=[DT_INT32])
        node.attr["cond"].func.name = "condition"
        run_in(one)

    return change


MODELS["an endless While"] = _loop("While")
MODELS["an endless StatelessWhile"] = _loop("StatelessWhile")


@_model
def a_circle(graph, target):
    one = function(graph, "_curriculum_")
    node = next(n for n in one.node_def if n.input and n.op == "Tanh")
    node.input[0] = f"{node.name}:y:0"


@_model
def calls_that_double(graph, target):
    """Forty functions, each calling the next twice."""
    for number in range(40):
        one = graph.graph_def.library.function.add()
        one.signature.name = f"level{number}"
        one.signature.input_arg.add(name="x", type=DT_INT32)
        one.signature.output_arg.add(name="y", type=DT_INT32)
        source = "x"
        for half in ("one", "two") if number < 39 else ("one",):
            called = "PartitionedCall" if number < 39 else "Identity"
            node = one.node_def.add(name=half, op=called, input=[source])
            if number < 39:
                node.attr["f"].func.name = f"level{number + 1}"
            node.attr["T" if number == 39 else "Tin"].SetInParent()
            source = f"{half}:output:0"
        one.ret["y"] = source
    one = function(graph, "_curriculum_")
    node = one.node_def.add(name="evil", op="PartitionedCall", input=["step"])
    node.attr["f"].func.name = "level0"
    _into_labels(one, "evil:output:0")


@_model
def too_many_operations(graph, target):
    one = function(graph, "_curriculum_")
    one.node_def.extend(constant(f"c{n}", n) for n in range(20_001))


# ----------------------------------------------------------------------------------
# More memory than there is


def _into_labels(one: FunctionDef, source: str) -> None:
    """Makes an integer tensor necessary for a lesson, by way of its shape."""
    node = one.node_def.add(name="all_of_it", op="Size", input=[source])
    node.attr["T"].type = DT_INT32
    added = one.node_def.add(name="more", op="AddV2")
    added.input.extend([one.ret["identity_1"], "all_of_it:output:0"])
    added.attr["T"].type = DT_INT32
    one.ret["identity_1"] = "more:z:0"


def _huge(op, **extra):
    """An operation that makes 10^12 numbers of nothing."""

    def change(graph, target):
        one = function(graph, "_curriculum_")
        one.node_def.extend(
            [constant("size", [10**6, 10**6]), constant("zero", 0), constant("one", 1)]
        )
        inputs = {
            "Fill": ["size:output:0", "zero:output:0"],
            "BroadcastTo": ["zero:output:0", "size:output:0"],
            "Range": ["zero:output:0", "end:output:0", "one:output:0"],
        }[op]
        one.node_def.add().CopyFrom(constant("end", 2**31 - 1))
        node = add(one.node_def, op, *inputs)
        node.attr["Tidx" if op == "Range" else "T"].type = DT_INT32
        _into_labels(one, "evil:output:0")

    return change


MODELS.update({f"a huge {op}": _huge(op) for op in ("Fill", "BroadcastTo", "Range")})


@_model
def squares_by_broadcasting(graph, target):
    """A row and a column of 10^5 added, a table of 10^10."""
    one = function(graph, "_curriculum_")
    one.node_def.extend([constant("row", [1, 10**5]), constant("column", [10**5, 1])])
    one.node_def.add().CopyFrom(constant("zero", 0))
    for name in ("row", "column"):
        node = one.node_def.add(name=f"{name}s", op="Fill")
        node.input.extend([f"{name}:output:0", "zero:output:0"])
        node.attr["T"].type = DT_INT32
    add(one.node_def, "AddV2", "rows:output:0", "columns:output:0", T=DT_INT32)
    _into_labels(one, "evil:z:0")


@_model
def many_moderate_tensors(graph, target):
    one = function(graph, "_curriculum_")
    one.node_def.extend([constant("size", [2**26]), constant("zero", 0)])
    node = one.node_def.add(name="fill0", op="Fill")
    node.input.extend(["size:output:0", "zero:output:0"])
    node.attr["T"].type = DT_INT32
    source = "fill0:output:0"
    for number in range(200):
        node = one.node_def.add(name=f"sum{number}", op="AddV2", input=[source, source])
        node.attr["T"].type = DT_INT32
        source = f"sum{number}:z:0"
    _into_labels(one, source)


@_model
def a_batch_of_millions(graph, target):
    """Whose description asks for the memory of as many images."""
    one = function(graph, "_describe_")
    tensor = next(n for n in one.node_def if n.op == "Const").attr["value"].tensor
    about = json.loads(tensor.string_val[0])
    about.update(batch_size=10**8, image_shape=[1, 1, 1], steps=1)
    tensor.string_val[0] = json.dumps(about).encode()
    many_moderate_tensors(graph, target)


@_model
def a_size_that_depends_on_the_data(graph, target):
    one = function(graph, "_curriculum_")
    one.node_def.extend([constant("zero", 0), constant("one", 1)])
    add(one.node_def, "Range", "zero:output:0", "step", "one:output:0", Tidx=DT_INT32)
    _into_labels(one, "evil:output:0")


def _tensor(graph):
    one = function(graph, "_curriculum_")
    node = next(node for node in one.node_def if node.op == "Const")
    return node.attr["value"].tensor


@_model
def a_constant_of_a_terabyte(graph, target):
    shape = _tensor(graph).tensor_shape
    del shape.dim[:]
    shape.dim.add(size=10**12)


@_model
def constants_of_gigabytes_together(graph, target):
    one = function(graph, "_curriculum_")
    for number in range(1000):
        node = one.node_def.add()
        node.CopyFrom(constant(f"c{number}", 0))
        node.attr["value"].tensor.tensor_shape.dim.add(size=2**20)


@_model
def a_constant_of_negative_size(graph, target):
    shape = _tensor(graph).tensor_shape
    del shape.dim[:]
    shape.dim.add(size=-7)


@_model
def a_constant_of_unknown_size(graph, target):
    shape = _tensor(graph).tensor_shape
    del shape.dim[:]
    shape.dim.add(size=-1)


@_model
def a_constant_that_is_a_resource(graph, target):
    tensor = _tensor(graph)
    tensor.dtype = DT_RESOURCE
    tensor.resource_handle_val.add(device="/job:evil", name="evil")


@_model
def a_constant_that_is_a_variant(graph, target):
    tensor = _tensor(graph)
    tensor.dtype = DT_VARIANT
    tensor.variant_val.add(type_name="tensorflow::DatasetVariantWrapper")


@_model
def a_shape_of_a_terabyte(graph, target):
    node = function(graph, "_curriculum_").node_def[0]
    node.attr["_output_shapes"].list.shape.add().dim.add(size=10**12)


@_model
def a_shape_of_three_hundred_axes(graph, target):
    node = function(graph, "_curriculum_").node_def[0]
    shape = node.attr["_output_shapes"].list.shape.add()
    for _ in range(300):
        shape.dim.add(size=1)


@_model
def a_variable_of_a_terabyte(graph, target):
    one = variable(graph)
    del one.shape.dim[:]
    one.shape.dim.add(size=10**12)


@_model
def a_variable_of_another_shape(graph, target):
    variable(graph).shape.dim.add(size=1)


@_model
def a_variable_of_another_type(graph, target):
    variable(graph).dtype = DT_INT32


@_model
def a_variable_of_text(graph, target):
    variable(graph).dtype = DT_STRING


# ----------------------------------------------------------------------------------
# Objects


def _object(kind, **fields):
    def change(graph, target):
        node = objects(graph).add()
        getattr(node, kind).SetInParent()
        for name, value in fields.items():
            setattr(getattr(node, kind), name, value)
        number = len(objects(graph)) - 1
        objects(graph)[0].children.add(node_id=number, local_name="evil")

    return change


MODELS.update(
    {
        "object asset": _object("asset", asset_file_def_index=0),
        "object function": _object("function"),
        "object constant": _object("constant", operation="evil"),
        "object resource": _object("resource", device="/job:evil"),
        "object captured tensor": _object("captured_tensor", name="evil:0"),
        "object of Keras": _object("user_object", identifier="_tf_keras_model"),
        "object of a user": _object("user_object", identifier="tf.custom.Evil"),
        "object optimizer": _object("user_object", identifier="optimizer"),
        "object with metadata": _object(
            "user_object", identifier="_generic_user_object", metadata="evil"
        ),
        "object that is a second signature map": _object(
            "user_object", identifier="signature_map"
        ),
    }
)


@_model
def a_variable_on_a_device(graph, target):
    variable(graph).device = "/job:evil/task:0"


@_model
def a_variable_on_several_devices(graph, target):
    variable(graph).experimental_distributed_variable_components.add(name="evil")


@_model
def saved_in_a_way_of_its_own(graph, target):
    one = writer(graph, target)
    node = objects(graph).add()
    node.bare_concrete_function.concrete_function_name = one.signature.name
    saveable = objects(graph)[1].saveable_objects["evil"]
    saveable.save_function = saveable.restore_function = len(objects(graph)) - 1


@_model
def a_registered_class(graph, target):
    objects(graph)[0].registered_name = "Evil>Class"


@_model
def a_registered_saver(graph, target):
    objects(graph)[0].registered_saver = "Evil>Saver"


@_model
def a_message_of_a_user(graph, target):
    objects(graph)[0].serialized_user_proto.type_url = "type.googleapis.com/evil"


@_model
def slot_variables(graph, target):
    objects(graph)[0].slot_variables.add(slot_name="evil")


@_model
def a_type_of_a_user(graph, target):
    known = graph.object_graph_def.concrete_functions
    one = next(known[name] for name in known if "curriculum" in name)
    value = one.canonicalized_input_signature.type_spec_value
    value.type_spec_class_name = "evil.Type"


@_model
def bound_to_a_function(graph, target):
    known = graph.object_graph_def.concrete_functions
    one = next(known[name] for name in known if "curriculum" in name)
    one.bound_inputs[0] = len(objects(graph)) - 1


@_model
def bound_to_nothing(graph, target):
    known = graph.object_graph_def.concrete_functions
    one = next(known[name] for name in known if "curriculum" in name)
    one.bound_inputs[0] = 10**6


@_model
def children_that_are_not_there(graph, target):
    signatures = next(
        one for one in objects(graph) if one.user_object.identifier == "signature_map"
    )
    signatures.children[0].node_id = 10**6


# ----------------------------------------------------------------------------------
# Devices, containers, targets


def _attribute(op, name, value=b"evil"):
    def change(graph, target):
        nodes = [*graph.graph_def.node, *function(graph, "_curriculum_").node_def]
        node = next(node for node in nodes if node.op == op)
        node.attr[name].s = value

    return change


MODELS.update(
    {
        f"attribute {op} {name}": _attribute(op, name)
        for op, name in (
            ("VarHandleOp", "container"),
            ("VarHandleOp", "_class"),
            ("VarHandleOp", "allowed_devices"),
            ("ReadVariableOp", "_class"),
            ("Placeholder", "_arg_device"),
            ("StatefulPartitionedCall", "executor_type"),
            ("StatefulPartitionedCall", "config"),
            ("StatefulPartitionedCall", "_XlaMustCompile"),
            ("StatefulPartitionedCall", "target"),
            ("Tanh", "_kernel"),
            ("Tanh", "_XlaCluster"),
            ("Const", "send_device"),
        )
    }
)


def _device(part, name):
    def change(graph, target):
        nodes = function(graph, part).node_def if part else graph.graph_def.node
        nodes[0].device = name

    return change


MODELS.update(
    {
        "device of a lesson": _device("_curriculum_", "/device:GPU:0"),
        "device of the CPU in a lesson": _device("_curriculum_", "/device:CPU:0"),
        "device of another machine": _device("_serve_", "/job:evil/replica:0/task:0"),
        "device of the main graph": _device("", "/job:evil/task:0/device:CPU:0"),
        "device of the saver": _device("_traced_save_", "/job:evil/device:CPU:0"),
    }
)


def _settings(change_settings):
    def change(graph, target):
        node = next(n for n in graph.graph_def.node if "config_proto" in n.attr)
        settings = ConfigProto.FromString(node.attr["config_proto"].s)
        change_settings(settings)
        node.attr["config_proto"].s = settings.SerializeToString()

    return change


def _cluster(settings):
    settings.cluster_def.job.add(name="worker").tasks[0] = "evil.example:1"


def _leader(settings):
    settings.experimental.collective_group_leader = "/job:evil"


def _filters(settings):
    settings.device_filters.append("/job:evil")


def _pool(settings):
    settings.session_inter_op_thread_pool.add(num_threads=10**6, global_name="evil")


def _optimizer(settings):
    settings.graph_options.rewrite_options.custom_optimizers.add(name="evil")


MODELS.update(
    {
        "settings with a cluster": _settings(_cluster),
        "settings with a leader": _settings(_leader),
        "settings with device filters": _settings(_filters),
        "settings with a thread pool": _settings(_pool),
        "settings with an optimizer": _settings(_optimizer),
    }
)


@_model
def settings_that_cannot_be_read(graph, target):
    node = next(n for n in graph.graph_def.node if "config_proto" in n.attr)
    node.attr["config_proto"].s = b"\xff" * 20


@_model
def a_placeholder_attribute(graph, target):
    node = function(graph, "_curriculum_").node_def[0]
    node.attr["_output_shapes"].placeholder = "evil"


@_model
def two_nodes_of_one_name(graph, target):
    graph.graph_def.node.add().CopyFrom(graph.graph_def.node[0])


@_model
def a_description_by_another_name(graph, target):
    known = graph.object_graph_def.concrete_functions
    one = next(known[name] for name in known if "describe" in name)
    fields = one.output_signature.dict_value.fields
    fields["evil"].CopyFrom(fields["description"])
    del fields["description"]


@_model
def another_type_of_lesson(graph, target):
    one = function(graph, "_curriculum_")
    node = next(node for node in one.node_def if node.op == "Tanh")
    node.attr["T"].type = DT_FLOAT
    node.input[0] = "step"
