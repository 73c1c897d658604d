"""Feeds each reader with damaged files: it reads them, or says in one line why not.

`python tests/fuzz.py [READER ...] [--seconds 60]`; `make fuzz` runs all. A failure is
shown as small as it can be made; what was found is kept in `tests/test_fuzz.py`.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import functools
import gzip
import io
import json
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

import gtn_tf
from gtn_tf.cells import Genotype
from gtn_tf.cells.genotype import GenotypeError
from gtn_tf.config import Config, ConfigError, SearchConfig, load_config
from gtn_tf.data import DataError
from gtn_tf.data.catalog import MNIST
from gtn_tf.data.csv_files import read_table
from gtn_tf.data.idx import read_idx
from gtn_tf.data.npz import read_npz
from gtn_tf.data.pictures import read_pictures
from gtn_tf.errors import ArgumentError, GTNError
from gtn_tf.reports.figures import draw_figures
from gtn_tf.run_files import RunError
from gtn_tf.teaching import TeacherError, load_teacher
from gtn_tf.teaching.description import describe, read_description
from gtn_tf.teaching.export import export

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = Path(tempfile.mkdtemp(prefix="gtn_tf_fuzz_"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)


@contextlib.contextmanager
def one_line(kind: type[GTNError]) -> Iterator[None]:
    """Lets one kind of error pass, if it is told in one line of moderate length."""
    try:
        yield
    except kind as error:
        told = str(error)
        assert "\n" not in told and len(told) < 1500, told[:3000]


# ----------------------------------------------------------------------------------
# Damage


@st.composite
def damaged(draw: Callable[..., Any], seeds: Callable[[], list[bytes]]) -> bytes:
    """A good file with a few bytes written over, left out, put in or repeated."""
    content = bytearray(draw(st.sampled_from(seeds())))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        piece = draw(st.binary(min_size=1, max_size=8))
        how = draw(st.sampled_from(["over", "over", "in", "out", "end", "twice"]))
        if how == "over":
            content[at : at + len(piece)] = piece
        elif how == "in":
            content[at:at] = piece
        elif how == "out":
            del content[at : at + draw(st.integers(1, 64))]
        elif how == "end":
            del content[at:]
        else:
            content[at:at] = content[at : at + draw(st.integers(1, 4096))]
    return bytes(content)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([10**30, -1, 0, 1, 1e300]),
    lambda inside: (
        st.lists(inside, max_size=4)
        | st.dictionaries(st.text(max_size=8), inside, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def changed(draw: Callable[..., Any], seeds: Callable[[], list[Any]]) -> Any:
    """Good JSON with some values, at any depth, replaced by others."""
    root = [json.loads(json.dumps(draw(st.sampled_from(seeds()))))]
    for _ in range(draw(st.integers(1, 3))):
        here: Any = root
        while True:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            key = draw(st.sampled_from(keys))
            deeper = here[key]
            if not (isinstance(deeper, (dict, list)) and deeper) or draw(st.booleans()):
                break
            here = deeper
        if draw(st.booleans()) or here is root:
            here[key] = draw(JSON)
        else:
            del here[key]
    return root[0]


# ----------------------------------------------------------------------------------
# Good files


@functools.cache
def saved_model() -> Path:
    teacher = gtn_tf.teachers.DatasetDistillation((2, 2, 1), num_classes=2, steps=2)
    rates = gtn_tf.LearnedSGD(0.1, 0.5, steps=2)
    export(teacher, rates, describe(teacher, rates), SCRATCH / "good" / "1")
    return SCRATCH / "good" / "1"


def descriptions() -> list[Any]:
    about = load_teacher(saved_model()).description
    return [about, {**about, "normalization": {"mean": [0.5], "std": [0.2]}}]


@functools.cache
def teacher_npz() -> list[bytes]:
    compressed = (saved_model() / "assets.extra" / "teacher.npz").read_bytes()
    plain = io.BytesIO()
    with np.load(io.BytesIO(compressed)) as npz:
        np.savez(plain, **npz)
    return [compressed, plain.getvalue()]


@functools.cache
def data_npz() -> list[bytes]:
    x, y = np.zeros([4, 28, 28], np.uint8), np.arange(4)
    files = [io.BytesIO(), io.BytesIO()]
    np.savez(files[0], x_train=x, y_train=y, x_test=x, y_test=y)
    np.savez_compressed(files[1], x_train=x, y_train=y, x_test=x, y_test=y)
    return [file.getvalue() for file in files]


def idx() -> list[bytes]:
    plain = np.array([0x0803, 3, 4, 5], ">u4").tobytes() + bytes(range(60))
    return [plain, gzip.compress(plain)]


@functools.cache
def pictures() -> list[bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, [9, 7, 4], dtype=np.uint8)
    found = []
    for kind in ("PNG", "GIF", "BMP", "WEBP", "JPEG"):
        file = io.BytesIO()
        rgb = Image.fromarray(pixels if kind in ("PNG", "WEBP") else pixels[..., :3])
        rgb.save(file, kind)
        found.append(file.getvalue())
    return found


def tables() -> list[bytes]:
    return [
        b"label,pixel0,pixel1,pixel2,pixel3\n1,0,9,8,255\n2,1,1,0,7\n",
        b"file;label\na.png;cat\nb.png;dog\n",
        b"7,0.5,0.25,0.125,1\n8,0,0,0,1\n",
    ]


def genotypes() -> list[bytes]:
    drawn = Genotype.sample(np.random.default_rng(0))
    numbers = " ".join(map(str, drawn.to_integers()))
    ends = "conv_3x3@0 identity@1 -> 0 2 | conv_3x3@0 identity@1 -> 1 2"
    return [str(drawn).encode(), numbers.encode(), ends.encode()]


@functools.cache
def configs() -> list[bytes]:
    files = sorted((ROOT / "configs").glob("*.yaml"))
    return [file.read_bytes() for file in files]


def figures() -> list[Any]:
    return [[{"picture": "a.png", "kind": "curves", "table": "t.csv", "by": "by",
              "x": "x", "y": "y", "y_range": [0, 1]},
             {"picture": "b.png", "kind": "boxes", "table": "t.csv", "by": "by",
              "y": "y", "log": True},
             {"picture": "c.png", "kind": "matrix", "table": "t.csv", "by": "by",
              "x": "x", "y": "y"}]]  # fmt: skip


# ----------------------------------------------------------------------------------
# Readers


def read_a_description(found: Any) -> None:
    text = found if isinstance(found, bytes) else json.dumps(found)
    with one_line(ArgumentError):
        assert read_description(text)["steps"] >= 1


def read_a_teachers_npz(content: bytes) -> None:
    file = SCRATCH / "teacher.npz"
    file.write_bytes(content)
    with one_line(TeacherError):
        assert load_teacher(file).images.ndim == 5


def read_a_data_sets_npz(content: bytes) -> None:
    file = SCRATCH / "mnist.npz"
    file.write_bytes(content)
    with one_line(DataError):
        assert read_npz(file, MNIST).train.images.ndim == 4


def read_an_idx_file(content: bytes) -> None:
    file = SCRATCH / ("images.gz" if content[:1] == b"\x1f" else "images")
    file.write_bytes(content)
    with one_line(DataError):
        assert read_idx(file, ndim=3).ndim == 3


def read_a_picture(content: bytes) -> None:
    file = SCRATCH / "picture.png"
    file.write_bytes(content)
    with one_line(DataError):
        assert read_pictures([file], size=(4, 4)).images.shape[:3] == (1, 4, 4)


def read_a_csv_file(content: bytes) -> None:
    file = SCRATCH / "table.csv"
    file.write_bytes(content)
    with one_line(DataError):
        table = read_table(file)
        assert table is not None and len(table.labels)


def read_a_genotype(content: bytes) -> None:
    with one_line(GenotypeError):
        genotype = Genotype.parse(content.decode(errors="replace"))
        assert Genotype.parse(str(genotype)) == genotype


def read_a_config(content: bytes) -> None:
    file = SCRATCH / "config.yaml"
    file.write_bytes(content)
    for schema in (Config, SearchConfig):
        with one_line(ConfigError):
            load_config(str(file), schema=schema)


def read_figures(found: Any) -> None:
    folder = SCRATCH / "figures"
    folder.mkdir(exist_ok=True)
    (folder / "t.csv").write_text("by,x,y,std\na,1,2,0.1\nb,1,3,0.1\n")
    (folder / "figures.json").write_text(json.dumps(found))
    with one_line(RunError):
        draw_figures(folder, report=lambda text: None)


def read_a_saved_model(content: bytes) -> None:
    folder = SCRATCH / "saved" / "1"
    if not folder.exists():
        shutil.copytree(saved_model(), folder)
        shutil.rmtree(folder / "assets.extra")
    (folder / "saved_model.pb").write_bytes(content)
    with one_line(TeacherError):
        assert load_teacher(folder).generate([0, 1]).shape[0] == 2


def graphs() -> list[bytes]:
    return [(saved_model() / "saved_model.pb").read_bytes()]


@st.composite
def rewired(draw: Callable[..., Any]) -> bytes:
    """A SavedModel that is still one, with some fields changed."""
    model = SavedModel.FromString(graphs()[0])
    graph = model.meta_graphs[0]
    graph.meta_info_def.ClearField("stripped_op_list")
    for _ in range(draw(st.integers(1, 4))):
        everything = list(_messages(graph.graph_def)) + list(
            _messages(graph.object_graph_def)
        )
        message = draw(st.sampled_from(everything))
        fields = message.ListFields()
        if fields:
            _change(draw, message, *draw(st.sampled_from(fields)))
    return model.SerializeToString()


def _messages(message: Any) -> Iterator[Any]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            inside = value.values() if isinstance(value, dict) else ()
            if field.message_type is not None and hasattr(value, "values"):
                kind = field.message_type.fields_by_name["value"].message_type
                inside = value.values() if kind is not None else ()
        else:
            inside = value if _is_repeated(value) else (value,)
        for one in inside:
            yield from _messages(one)


def _is_repeated(value: Any) -> bool:
    return not isinstance(value, (Message, bool, int, float, str, bytes))


def _change(draw: Callable[..., Any], message: Any, field: Any, value: Any) -> None:
    numbers = st.sampled_from([0, 1, 2, 3, 7, 9, 100, 2**20, 2**31 - 1, -1])
    if _is_repeated(value):
        if hasattr(value, "values"):
            del value[draw(st.sampled_from(sorted(value)))]
        elif draw(st.booleans()):
            del value[draw(st.integers(0, len(value) - 1))]
        else:
            value.extend([value[draw(st.integers(0, len(value) - 1))]])
    elif field.type in (field.TYPE_INT64, field.TYPE_INT32, field.TYPE_ENUM):
        setattr(message, field.name, draw(numbers))
    elif field.type == field.TYPE_BOOL:
        setattr(message, field.name, not value)
    elif field.type == field.TYPE_STRING:
        setattr(message, field.name, draw(st.sampled_from(WORDS)))
    elif field.type == field.TYPE_BYTES:
        setattr(message, field.name, draw(st.binary(max_size=16)))
    else:
        message.ClearField(field.name)


WORDS = (
    *("AddV2", "Fill", "Range", "Reshape", "BroadcastTo", "MatMul", "Conv2D", "Pack"),
    *("Const", "OneHot", "StridedSlice", "GatherV2", "Unpack", "IdentityN"),
    *("EnsureShape", "labels", "seed", "step"),
    *("Reshape:output:0", "Const:output:0", "Tanh:y:0", ""),
)  # fmt: skip

READERS: dict[str, tuple[Callable[[Any], None], st.SearchStrategy[Any]]] = {
    "description": (
        read_a_description,
        st.deferred(lambda: changed(descriptions))
        | JSON
        | st.deferred(
            lambda: damaged(lambda: [json.dumps(x).encode() for x in descriptions()])
        )
        | st.binary(),
    ),
    "teacher_npz": (read_a_teachers_npz, damaged(teacher_npz) | st.binary()),
    "data_npz": (read_a_data_sets_npz, damaged(data_npz) | st.binary()),
    "idx": (read_an_idx_file, damaged(idx) | st.binary()),
    "picture": (read_a_picture, damaged(pictures) | st.binary()),
    "csv": (read_a_csv_file, damaged(tables) | st.text().map(str.encode)),
    "genotype": (read_a_genotype, damaged(genotypes) | st.text().map(str.encode)),
    "config": (read_a_config, damaged(configs) | st.text().map(str.encode)),
    "figures": (read_figures, changed(figures) | JSON),
    "saved_model": (read_a_saved_model, rewired() | damaged(graphs)),
}


def fuzz(
    name: str, seconds: float = 0, examples: int = 100, seeded: bool = False
) -> int:
    """Feeds one reader.

    Args:
        name: Of `READERS`.
        seconds: How long at least.
        examples: How many files at a time.
        seeded: Whether they are the same every time.

    Returns:
        How many files it was given.
    """
    reader, strategy = READERS[name]
    count = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=seeded,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def feed(content: Any) -> None:
        nonlocal count
        count += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader(content)

    end = time.monotonic() + seconds
    feed()
    while time.monotonic() < end:
        feed()
    return count


def main() -> None:
    """Reads the command line and feeds the readers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("readers", nargs="*", default=list(READERS), metavar="READER")
    parser.add_argument("--seconds", type=float, default=60, help="for each reader")
    options = parser.parse_args()
    unknown = set(options.readers) - set(READERS)
    if unknown:
        sys.exit(f"expected some of {', '.join(READERS)}, received {min(unknown)}")
    try:
        for name in options.readers:
            print(
                f"{name}: {fuzz(name, options.seconds)} files, all answered", flush=True
            )
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)


if __name__ == "__main__":
    main()
