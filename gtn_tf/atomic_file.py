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
    """Lets a file be written wholly or not at all.

    Args:
        path: The file.

    Yields:
        Another path beside it, of the same suffix, to be written to. At the end of
        the context the file is replaced by what is there; after an error it stays
        as it was.

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
    """Lets a folder be written wholly or not at all.

    Args:
        path: The folder. The folders above it are made.

    Yields:
        Another path beside it, where nothing is yet: the place of the new folder. At
        the end of the context it replaces `path`; after an error `path` stays as it
        was. What a kill leaves behind is removed the next time.

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
    """Writes a text file wholly or not at all.

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


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Makes the system's errors name the file: that of a full disk names none.

    Args:
        path: What is written in the context.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)  # Pillow's have no number
        raise OSError(error.errno or errno.EIO, reason, str(path)) from None
