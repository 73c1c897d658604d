"""Files and folders that are never half-written, whenever the process is killed."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path


@contextlib.contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Replaces a file atomically.

    Args:
        path: The file.

    Yields:
        A temporary path beside it, with the same suffix, to write to. At the end of the
        context it replaces the file; after an error the file is unchanged.

    Raises:
        OSError: If the file cannot be written; it names the file.

    Example:

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "table.csv"
    >>> with whole(path) as unfinished:
    ...     _ = unfinished.write_text("a,b")
    >>> [file.name for file in path.parent.iterdir()]
    ['table.csv']
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.name}")
    with naming(path):
        try:
            yield unfinished
            os.replace(unfinished, path)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise


@contextlib.contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Replaces a folder atomically.

    Args:
        path: The folder. The folders above it are made.

    Yields:
        An unused path beside it, for the new folder. At the end of the context it
        replaces `path`; after an error `path` is unchanged. What a kill leaves behind
        is removed the next time.

    Example:

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "export"
    >>> with whole_folder(path) as unfinished:
    ...     unfinished.mkdir()
    ...     _ = (unfinished / "table.csv").write_text("a,b")
    >>> [file.name for file in path.iterdir()]
    ['table.csv']
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        yield unfinished
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    shutil.rmtree(path, ignore_errors=True)
    os.replace(unfinished, path)


def write(path: Path, text: str) -> None:
    """Writes a text file atomically.

    Args:
        path: The file.
        text: Its content.

    Raises:
        OSError: If the file cannot be written; it names the file.
    """
    with whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def as_csv(rows: Iterable[Iterable[object]]) -> str:
    """A table as text, one line for each row.

    Args:
        rows: The cells; the first row is the header.

    Example:

    >>> as_csv([("name", "note"), ("a", "b, c")])
    'name,note\\na,"b, c"\\n'
    """
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(rows)
    return lines.getvalue()


def as_markdown(rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown, one line for each row, without the last line's end.

    Args:
        rows: The cells; the first row is the header.

    Example:

    >>> as_markdown([("name", "note"), ("a", "b")])
    '| name | note |\\n| --- | --- |\\n| a | b |'
    """
    header, *lines = map(tuple, rows)
    shown = [header, ("---",) * len(header), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in shown)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Adds the file's name to the system's errors: that of a full disk has none.

    Args:
        path: The file that is written in the context.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)  # Pillow's have no errno
        raise OSError(error.errno or errno.EIO, reason, str(path)) from None
