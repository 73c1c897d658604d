"""Whether a checkpoint's files are sound, damaged or unreadable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from gtn_tf.errors import first_line, refused_by_system
from gtn_tf.run_files import RunError

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"  # what TensorFlow adds to a variable's path


def damage(prefix: str) -> str | None:
    """Reads all of a checkpoint, with its checksums.

    Args:
        prefix: Prefix of its files, whose index exists.

    Returns:
        What is wrong with the content; `None` if it is sound.

    Raises:
        RunError: If the files cannot be read now, whatever they hold.
    """
    try:
        _expect_readable(prefix)
        reader = tf.train.load_checkpoint(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except FileNotFoundError as error:
        return f"no {Path(error.filename).name}"
    except Exception as error:  # a damaged file can raise anything
        reason = refused_by_system(error)
        out_of_memory = isinstance(
            error, (MemoryError, tf.errors.ResourceExhaustedError)
        )
        if reason is None and not out_of_memory:
            return first_line(error)
        raise unreadable(prefix, reason or first_line(error)) from None
    return None


def single_values(prefix: str) -> dict[str, Any]:
    """The variables of a checkpoint that are not part of a model.

    Args:
        prefix: Prefix of a sound checkpoint.
    """
    reader = tf.train.load_checkpoint(prefix)
    names = [
        path[: -len(_VALUE)]
        for path in reader.get_variable_to_shape_map()
        if path.endswith(_VALUE)
    ]
    return {n: reader.get_tensor(n + _VALUE) for n in names if "/" not in n}


def unreadable(prefix: str, reason: str) -> RunError:
    """The error for a checkpoint that may be sound but cannot be read.

    Args:
        prefix: Prefix of its files.
        reason: Why not.
    """
    return RunError(
        f"{prefix}: the checkpoint cannot be read now ({reason}); nothing was changed: "
        "the same command goes on once it can be read"
    )


def _expect_readable(prefix: str) -> None:
    # TensorFlow's messages differ from system to system; Python's do not.
    path = Path(prefix)
    with (path.parent / f"{path.name}.index").open("rb") as index:
        index.read(1)
    shards = sorted(path.parent.glob(f"{path.name}.data-*"))
    if not shards:
        raise FileNotFoundError(2, "", f"{path.name}.data-00000-of-00001")
    for shard in shards:
        with shard.open("rb") as data:
            data.read(1)
