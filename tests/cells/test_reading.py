"""Genotypes as users give them: each written form, files, broken text."""

from __future__ import annotations

import time

import pytest
import tensorflow as tf

from gtn_tf.cells import (
    PUBLISHED,
    Genotype201,
    GenotypeError,
    parse_genotype,
    read_genotype,
    read_genotypes,
)
from gtn_tf.cells.blocks import TRAINING
from gtn_tf.cells.operations import apply_operation
from gtn_tf.runs import read_ranked
from gtn_tf.search import NAOSpace

# As its authors print it.
DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', "
    "0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0)"
    ", ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', "
    "0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
    "reduce_concat=[2, 3, 4, 5])"
)
SMALL = (
    "Genotype(normal=[('dil_conv_5x5', 0), ('skip_connect', 1)], normal_concat=[2], "
    "reduce=[('max_pool_3x3', 0), ('sep_conv_5x5', 1)], reduce_concat=range(2, 3))"
)
OWN = "dil_conv_5x5@0 identity@1 | max_pool_3x3@0 sep_conv_5x5@1"
CELL_201 = "|none~0|+|nor_conv_3x3~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"


def test_what_darts_prints_is_read() -> None:
    written = parse_genotype(DARTS_V2)
    assert written.genotype == PUBLISHED["darts_v2"].genotype
    assert (written.layout, written.name) == ("darts", "")
    named = parse_genotype("DARTS = " + DARTS_V2.replace("[2, 3, 4, 5]", "range(2, 6)"))
    assert named == written._replace(name="DARTS")
    assert parse_genotype(SMALL).genotype == parse_genotype(OWN).genotype
    assert parse_genotype(SMALL.replace("'", '"')).layout == "darts"


def test_the_order_of_an_output_and_of_names_decides_nothing() -> None:
    other = SMALL.replace("[2]", "(2, 1, 0)")
    same = SMALL.replace("[2]", "range(3)")
    assert parse_genotype(other) == parse_genotype(same)
    normal, reduction = SMALL[len("Genotype(") : -1].split(", reduce=")
    swapped = f"Genotype(reduce={reduction}, {normal})"
    assert parse_genotype(swapped) == parse_genotype(SMALL)


def test_a_dilated_5x5_is_one_separable_convolution_with_holes() -> None:
    x = tf.keras.Input([8, 8, 4])
    y = apply_operation("dil_conv_5x5", x, 4, 2, TRAINING)
    model = tf.keras.Model(x, y)
    assert model.output_shape == (None, 4, 4, 4)
    assert [v.shape for v in model.trainable_variables] == [
        *([5, 5, 4, 1], [1, 1, 4, 4], [4], [4])
    ]
    (depthwise,) = (one for one in model.layers if "depthwise" in one.name)
    assert depthwise.dilation_rate == (2, 2)


BROKEN = {
    "none is no edge": (SMALL.replace("skip_connect", "none"), "gtn_tf has no none"),
    "other factors": (
        SMALL.replace("skip_connect", "conv_7x1_1x7"),
        "normal cell, node 2: gtn_tf has no conv_7x1_1x7",
    ),
    "unknown": (SMALL.replace("dil_conv_5", "dil_conv_9"), "did you mean dil_conv_"),
    "forward": (SMALL.replace("5x5', 0", "5x5', 2"), "expected inputs from 0 to 1"),
    "a flag": (SMALL.replace("5x5', 0", "5x5', True"), "received True"),
    "odd": (SMALL.replace("('skip_connect', 1)", ""), "two for each node"),
    "no pair": (SMALL.replace("('skip_connect', 1)", "1"), "received 1"),
    "no nodes": (SMALL.replace("('dil_conv_5x5', 0), ('skip_connect', 1)", ""), "one"),
    "concat of another": (SMALL.replace("[2]", "[3]"), "concat: expected some of"),
    "concat twice": (SMALL.replace("[2]", "[2, 2]"), "expected ascending"),
    "concat nested": (SMALL.replace("[2]", "[[2]]"), "expected numbers of nodes"),
    "concat endless": (SMALL.replace("[2]", "range(2, 10000000000)"), "received range"),
    "concat called": (SMALL.replace("[2]", "print(2)"), "something else than range"),
    "not closed": (SMALL[:-1], "never closed|EOF"),
    "closed twice": (SMALL + ")", "unmatched"),
    "a key is missing": (SMALL.split(", reduce_concat")[0] + ")", "the names"),
    "a key twice": (SMALL.replace("normal_concat", "normal"), "the names"),
    "no keys": ("Genotype([], [2], [], [2])", "without these names"),
    "code": ("Genotype(normal=__import__('os').abort())", "received '.' in it"),
    "a call": ("Genotype(normal=exit(), **x)", "received '\\*'"),
    "brackets": ("Genotype(" + "[" * 4000, "too many nested|deep"),
    "calls": ("Genotype" + "()" * 4000, "expected Genotype"),
    "negations": ("Genotype(" + "not " * 2000 + "1)", "received 'not' in it"),
    "a number": (SMALL.replace("0)", "9" * 5000 + ")", 1), "Exceeds the limit|0 to 1"),
    "megabytes": ("Genotype(" * 500_000, "at most 10000 characters, received 4500000"),
    "a word": ("x" * 5_000_000, "expected a file, a genotype or one of"),
    "own, a number": (OWN.replace("@0", "@" + "9" * 5000, 1), "two operations with"),
    "own, digits": (OWN.replace(" |", " -> " + "1" * 4000 + "x |"), "numbers after"),
    "integers": (" ".join(["9" * 200] * 40), "expected 40 integers"),
    "201, more": (CELL_201 + " x", "expected a cell such as"),
    "201, other edges": (CELL_201.replace("~2", "~1"), "expected a cell such as"),
    "201, long": ("|none~0|" * 2000, "at most 10000 characters"),
    "201, unknown": (CELL_201.replace("none", "nil"), "received 'nil, nil, nil'"),
    "a null": ("Genotype(\0)", "in it"),
    "a half of a pair": ("Genotype('\ud800')", "in it"),
    "a long file name": ("\u00e9" * 249, "expected a file"),
}


@pytest.mark.parametrize("text, message", BROKEN.values(), ids=BROKEN)
def test_broken_text_is_told_at_once_in_one_short_line(text, message) -> None:
    started = time.monotonic()
    with pytest.raises(GenotypeError, match=message) as error:
        read_genotype(text)
    assert time.monotonic() - started < 2
    assert len(str(error.value)) <= 400 and "\n" not in str(error.value)


FILE = f"""\ufeff# Found by a search
first = {SMALL.replace("], ", "],  # and a comment (in brackets" + chr(10))}

{OWN}
second = {CELL_201}
{DARTS_V2}
"""


def test_a_file_of_all_forms(tmp_path) -> None:
    path = tmp_path / "cells.txt"
    path.write_text(FILE, encoding="utf-8")
    found = read_genotypes(path)
    assert [(one.name, one.layout) for one in found] == [
        *(("first", "darts"), ("", "nao"), ("second", ""), ("", "darts"))
    ]
    assert [one.line for one in found] == [2, 7, 8, 9]
    assert found[0].genotype == found[1].genotype
    assert isinstance(found[2].genotype, Genotype201)
    assert read_genotype(str(path)) == found[0]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "cells.txt: expected genotypes, found none"),
        ("# none\n", "expected genotypes, found none"),
        (f"{OWN}\n\nfirst = Genotype(\n  normal=[\n{OWN}\n", "cells.txt, line 3: exp"),
        (f"{OWN}\n{OWN[:-9]}", "cells.txt, line 2: reduction cell, node 2"),
        (b"\xff\xfe", "cells.txt: expected a text file: UnicodeDecodeError"),
    ],
)
def test_files_that_are_no_genotypes_are_told(tmp_path, text, message) -> None:
    path = tmp_path / "cells.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(GenotypeError, match=message):
        read_genotypes(path)


def test_the_space_of_a_ranking_is_that_of_the_genotypes(tmp_path) -> None:
    path = tmp_path / "cells.txt"
    path.write_text(f"{SMALL}\n{DARTS_V2}\n")
    space, genotypes = read_ranked(path)
    assert space == "nao" and len(genotypes) == 2
    path.write_text(f"{CELL_201}\n")
    assert read_ranked(path)[0] == "nas_bench_201"
    with pytest.raises(GenotypeError, match="line 1: expected a genotype of nao"):
        read_ranked(path, "nao")
    path.write_text(f"{CELL_201}\n\n{OWN}\n")
    with pytest.raises(GenotypeError, match="line 3: expected .* of nas_bench_201"):
        read_ranked(path)


def test_cells_that_integers_cannot_say_have_names_in_the_space(tmp_path) -> None:
    space = NAOSpace((8, 8, 1), 3, cells=0, filters=1)
    genotype = parse_genotype(DARTS_V2).genotype
    assert space.text(genotype) == str(genotype)
    assert space.parse(space.text(genotype)) == genotype
    assert space.parse(DARTS_V2) == genotype
    assert space.network(genotype).output_shape == (None, 3)
