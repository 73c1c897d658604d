"""Genotypes as users give them: by name, in any form, and in files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Union

from gtn_tf.cells.darts import is_darts
from gtn_tf.cells.errors import LONGEST, GenotypeError
from gtn_tf.cells.genotype import Genotype
from gtn_tf.cells.nas_bench_201 import Genotype201
from gtn_tf.cells.published import PUBLISHED
from gtn_tf.errors import did_you_mean, first_line, shown

AnyGenotype = Union[Genotype, Genotype201]

_NAME = re.compile(r"\s*([A-Za-z_]\w{0,59})\s*=\s*", re.ASCII)


class Written(NamedTuple):
    """A genotype, and what else its text contains."""

    genotype: AnyGenotype
    layout: str  # of its network; NAS-Bench-201's own has none
    name: str = ""  # as in `NAME = Genotype(...)`
    line: int = 1  # of a file


def parse_genotype(text: str) -> Written:
    """Reads a genotype in any form, which may have `NAME =` before it.

    Args:
        text: As `Genotype.parse` or `Genotype201.parse` reads it.

    Returns:
        The genotype; its layout is `"darts"` for DARTS' form, `""` for a cell of
        NAS-Bench-201, else `"nao"`.

    Raises:
        GenotypeError: If it is not a genotype.

    Example:

    >>> written = parse_genotype("mine = conv_1x1@0 identity@1 | conv_3x3@0 identity@0")
    >>> written.name, written.layout
    ('mine', 'nao')
    """
    named = _NAME.match(text)
    name = named.group(1) if named else ""
    text = text[named.end() :] if named else text
    if "~" in text:
        return Written(Genotype201.parse(text), "", name)
    layout = "darts" if is_darts(text) else "nao"
    return Written(Genotype.parse(text), layout, name)


def read_genotypes(path: str | os.PathLike[str]) -> list[Written]:
    """Reads a file of genotypes, one after the other.

    A genotype ends when its brackets are closed. Empty lines and what follows a # are
    comments.

    Args:
        path: A text file.

    Raises:
        GenotypeError: If it cannot be read, has no genotypes, or has something else.
    """
    return list(_read(path))


def read_genotype(text: str) -> Written:
    """Reads a genotype from a name, a file or text, with the layout of its network.

    Args:
        text: Name of one of `PUBLISHED`, a file whose first genotype is read, or a
            genotype as `parse_genotype` reads it.

    Raises:
        GenotypeError: If it is none of these.

    Example:

    >>> read_genotype("darts_v2").layout
    'darts'
    """
    if text in PUBLISHED:
        return Written(PUBLISHED[text].genotype, PUBLISHED[text].layout, text)
    if os.path.isfile(text):
        return next(_read(text))
    if re.fullmatch(r"[\w.-]+", text) and not text.isdecimal():  # meant as a name
        raise GenotypeError(
            f"expected a file, a genotype or one of {', '.join(PUBLISHED)}, "
            f"received {shown(text)}{did_you_mean(text, PUBLISHED)}"
        )
    return parse_genotype(text)


def _read(path: str | os.PathLike[str]) -> Iterator[Written]:
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise GenotypeError(
            f"{path}: expected a text file: {first_line(error)}"
        ) from None
    number = 0
    for number, text in _joined(lines):
        try:
            yield parse_genotype(text)._replace(line=number)
        except GenotypeError as error:
            raise GenotypeError(f"{path}, line {number}: {error}") from None
    if not number:
        raise GenotypeError(f"{path}: expected genotypes, found none")


def _joined(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each genotype's text, and the number of the line where it begins."""
    first, text = 0, ""
    for number, line in enumerate(lines, start=1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        first = first or number
        text = f"{text} {line}" if text else line
        depth = sum(text.count(c) for c in "([") - sum(text.count(c) for c in ")]")
        if depth <= 0 or len(text) > LONGEST:
            yield first, text
            first, text = 0, ""
    if text:
        yield first, text
