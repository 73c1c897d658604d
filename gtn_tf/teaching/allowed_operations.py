"""The allowed operations, attributes and fields of a teacher's file.

They are those of exports of gtn_tf's own teachers; `allowed_graph` refuses all others.
"""

from __future__ import annotations

from tensorflow.core.framework.types_pb2 import (
    DT_BOOL,
    DT_DOUBLE,
    DT_FLOAT,
    DT_INT32,
    DT_INT64,
    DT_STRING,
)

CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


def _table(text: str) -> dict[str, frozenset[str]]:
    """A name on each line, and what it may contain."""
    lines = [line.split() for line in text.strip().splitlines()]
    return {name: frozenset(members) for name, *members in lines}


# The operations of a teacher, with the attributes they may have. None loops, reads,
# writes or calls Python.
COMPUTE = _table(
    """
    AddV2 T
    All Tidx keep_dims
    BiasAdd T data_format
    BroadcastTo T Tidx
    Cast SrcT DstT Truncate
    ConcatV2 N T Tidx
    Const dtype value
    Conv2D T strides padding explicit_paddings data_format dilations
    EnsureShape T shape
    Exp T
    Fill T index_type
    FloorDiv T
    FloorMod T
    GatherV2 batch_dims Taxis Tindices Tparams
    Identity T
    IdentityN T
    LeakyRelu T alpha
    Less T
    LessEqual T
    MatMul T transpose_a transpose_b
    Maximum T
    Mean T Tidx keep_dims
    Minimum T
    Mul T
    OneHot T TI axis
    Pack N T axis
    Range Tidx
    ReadVariableOp dtype
    RealDiv T
    Reshape T Tshape
    Rsqrt T
    Shape T out_type
    Size T out_type
    Softmax T
    Square T
    StatelessRandomGetKeyCounter Tseed
    StatelessRandomNormalV2 Tshape dtype
    StatelessRandomUniformFullIntV2 Tshape dtype
    StatelessRandomUniformIntV2 Tshape dtype
    StatelessRandomUniformV2 Tshape dtype
    StridedSlice Index T begin_mask end_mask ellipsis_mask new_axis_mask shrink_axis_mask
    Sub T
    Sum T Tidx keep_dims
    Tanh T
    Unpack T axis num
    """
)
_CALL = {name: frozenset({"Tin", "Tout", "config_proto", "f"}) for name in CALLS}
FUNCTION = {**COMPUTE, **_CALL, **_table("Assert T summarize\n NoOp")}
MAIN = {
    **_CALL,
    **_table(
        """
        Const dtype value
        NoOp
        Placeholder dtype shape
        ReadVariableOp dtype
        VarHandleOp debug_name dtype shape shared_name
        """
    ),
}
# What saved the file, and would read its variables again under TensorFlow Serving.
SAVE = _table(
    """
    Const dtype value
    DisableCopyOnRead
    Identity T
    MergeV2Checkpoints delete_old_dirs
    NoOp
    Pack N T axis
    ReadVariableOp dtype
    SaveV2 dtypes
    Select T
    ShardedFilename
    StaticRegexFullMatch pattern
    StringJoin N separator
    """
)
RESTORE = _table(
    """
    AssignVariableOp dtype
    Const dtype value
    Identity T
    NoOp
    RestoreV2 dtypes
    """
)
# The input of each that names a file; the name must come from the argument of the
# function, or from another of these operations.
FILE_NAMES = {
    "MergeV2Checkpoints": (1, "file_prefix"),
    "RestoreV2": (0, "file_prefix"),
    "SaveV2": (0, "ShardedFilename"),
    "ShardedFilename": (0, "StringJoin"),
    "StringJoin": (0, "file_prefix"),
}
CPU = {"", "/device:CPU:0", "/device:CPU:*"}  # where files are read and written

# TensorFlow's own notes, which change no result.
NOTES = frozenset(
    {
        "_collective_manager_ids",
        "_construction_context",
        "_has_manual_control_dependencies",
        "_input_shapes",
        "_output_shapes",
        "_read_only_resource_inputs",
        "_user_specified_name",
    }
)
TYPES = {DT_BOOL, DT_DOUBLE, DT_FLOAT, DT_INT32, DT_INT64, DT_STRING}
OBJECTS = {"_generic_user_object", "signature_map", "trackable_list_wrapper"}

# Each message of the file with the fields that may be set in it.
FIELDS = _table(
    """
    ArgAttrs attr
    ArgDef handle_data name type
    AttrValue b f func i list s shape tensor type
    CollectionDef node_list
    ConfigProto allow_soft_placement device_count experimental gpu_options graph_options pluggable_device_options
    DictValue fields
    Dim size
    DtypeAndShape dtype shape
    Experimental
    FullTypeDef args type_id
    FunctionDef arg_attr attr control_ret node_def ret signature
    FunctionDefLibrary function
    FunctionSpec fullargspec input_signature
    GPUOptions experimental
    GraphDef library node versions
    GraphOptions rewrite_options
    ListValue i shape type values
    MetaGraphDef collection_def graph_def meta_info_def object_graph_def saver_def signature_def
    MetaInfoDef stripped_default_attrs stripped_op_list tags tensorflow_git_version tensorflow_version
    NameAttrList name
    NamedTupleValue name values
    NodeDef attr device experimental_type input name op
    NodeList value
    NoneValue
    ObjectReference local_name node_id
    OpDef control_output input_arg is_stateful name output_arg
    PairValue key value
    RewriterConfig
    SavedBareConcreteFunction allowed_positional_arguments argument_keywords concrete_function_name function_spec
    SavedConcreteFunction bound_inputs canonicalized_input_signature output_signature
    SavedModel meta_graphs saved_model_schema_version
    SavedObject bare_concrete_function children user_object variable
    SavedObjectGraph concrete_functions nodes
    SavedUserObject identifier version
    SavedVariable aggregation dtype name shape synchronization trainable
    SaverDef filename_tensor_name restore_op_name save_tensor_name version
    SignatureDef inputs method_name outputs
    StructuredValue dict_value list_value named_tuple_value none_value string_value tensor_spec_value tuple_value
    TensorInfo dtype name tensor_shape
    TensorProto bool_val double_val dtype float_val int64_val int_val string_val tensor_content tensor_shape
    TensorShapeProto dim unknown_rank
    TensorSpecProto dtype name shape
    TupleValue values
    VersionDef min_consumer producer
    """
)  # fmt: skip
UNREAD = {"stripped_op_list"}  # a copy of TensorFlow's manual
