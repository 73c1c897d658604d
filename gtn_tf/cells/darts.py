"""Genotypes as DARTS prints them (Liu et al. 2019, arXiv 1806.09055)."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from gtn_tf.cells.errors import GenotypeError, check_length
from gtn_tf.errors import shown

_KEYS = {"normal", "normal_concat", "reduce", "reduce_concat"}
_NAMES = {"skip_connect": "identity"}  # DARTS' names of the same operations
_ABSENT = ("none", "conv_7x1_1x7")  # of DARTS, but not here
_MOST_STATES = 1000  # of a cell


class DartsCell(NamedTuple):
    """A cell, with gtn_tf's names of the operations."""

    nodes: list[tuple[int, str, int, str]]  # input_a, op_a, input_b, op_b
    concat: tuple[int, ...]


def is_darts(text: str) -> bool:
    """Whether a text is meant as a genotype in DARTS' form.

    Args:
        text: Any.
    """
    return re.match(r"\s*Genotype\s*\(", text) is not None


def parse_darts(text: str) -> tuple[DartsCell, DartsCell]:
    """Parses the normal and the reduction cell. Nothing in the text is run.

    Args:
        text: `"Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6),
            reduce=[...], reduce_concat=[2, 3, 4, 5])"`.

    Raises:
        GenotypeError: If it is something else.
    """
    check_length(text)
    fields = _fields(text)
    return (
        DartsCell(
            _nodes("normal", fields["normal"]),
            _concat("normal", fields["normal_concat"]),
        ),
        DartsCell(
            _nodes("reduction", fields["reduce"]),
            _concat("reduction", fields["reduce_concat"]),
        ),
    )


def _fields(text: str) -> dict[str, Any]:
    try:
        # Nothing that nests without brackets, whose depth Python itself limits.
        strange = re.search(r"[^\w\s=,()\[\]'\"]|\bnot\b", text)
        if strange:
            raise ValueError(f"received {shown(strange.group())} in it")
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Python warns of numbers such as 1or
            call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError("received values without these names")
        names = [word.arg for word in call.keywords]
        if len(names) != len(_KEYS) or {*names} != _KEYS:
            raise ValueError(f"received the names {shown(names)}")
        return {str(word.arg): _value(word.value) for word in call.keywords}
    except (SyntaxError, Warning, ValueError, MemoryError, RecursionError) as error:
        problem = getattr(error, "msg", None) or str(error) or "it is nested too deep"
        raise GenotypeError(
            "expected Genotype(normal=[('sep_conv_3x3', 0), ...], "
            "normal_concat=range(2, 6), reduce=[...], reduce_concat=[...]): "
            f"{problem[:80]}"
        ) from None


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        bounds = [_literal(bound) for bound in node.args]
        if getattr(node.func, "id", None) != "range" or node.keywords:
            raise ValueError("received a call of something else than range")
        if len(bounds) not in (1, 2) or not all(map(_is_state, bounds)):
            raise ValueError(f"received range({shown(bounds)[1:-1]})")
        return list(range(*bounds))
    return _literal(node)


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise ValueError(
            "received something else than lists, texts and numbers"
        ) from None


def _nodes(name: str, pairs: Any) -> list[tuple[int, str, int, str]]:
    if not _is_sequence(pairs) or len(pairs) % 2:
        raise GenotypeError(
            f"{name} cell: expected pairs of an operation and its input, two for each "
            f"node, received {shown(pairs)}"
        )
    edges = []
    for number, pair in enumerate(pairs):
        where = f"{name} cell, node {2 + number // 2}"
        if not (_is_sequence(pair) and len(pair) == 2 and isinstance(pair[0], str)):
            raise GenotypeError(
                f"{where}: expected an operation and its input, such as "
                f"('sep_conv_3x3', 0), received {shown(pair)}"
            )
        op, source = pair
        if op in _ABSENT:
            raise GenotypeError(f"{where}: gtn_tf has no {op}, which DARTS has")
        edges.append((source, _NAMES.get(op, op)))
    return [(*a, *b) for a, b in zip(edges[::2], edges[1::2])]


def _concat(name: str, states: Any) -> tuple[int, ...]:
    if not _is_sequence(states) or not all(map(_is_state, states)):
        raise GenotypeError(
            f"{name} cell, concat: expected numbers of nodes, received {shown(states)}"
        )
    return tuple(sorted(states))  # their order does not matter


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _is_state(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST_STATES
