"""Editors and spreadsheets begin a file with a byte-order mark: it is read over."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from gtn_tf import reports, runs
from gtn_tf.cells import read_table
from gtn_tf.reports import table
from gtn_tf.runs.rank import columns_of, rank
from gtn_tf.runs.records import Metrics
from gtn_tf.search import Scorer, ScoringData

ROOT = Path(__file__).parent.parent
COLUMNS = columns_of(["gtn_score"])
CELL = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


class Untouched(Scorer):
    name = "gtn_score"

    def __call__(self, candidate, data, seed) -> float:
        raise NotImplementedError


def marked(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8-sig")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    return path


def test_tables_begin_with_one(tmp_path) -> None:
    path = tmp_path / "table.csv"
    assert read_table(marked(path, f"arch,test\n{CELL},9.5\n"))[CELL] == {"test": 9.5}
    text = ",".join(table.COLUMNS) + "\nenas" + ",1" * (len(table.COLUMNS) - 1) + "\n"
    assert [*table.read_measured(marked(path, text))] == ["enas"]
    text = ",".join(COLUMNS) + f"\n{CELL},1,2,0.5,1,3\n"
    space = SimpleNamespace(text=str)
    (row,) = rank(  # nothing is left to do
        [CELL], space, [Untouched()], ScoringData(), marked(path, text)
    )
    assert row["genotype"] == CELL and path.read_text() == text
    Metrics(marked(path, "epoch,loss\n0,0.5\n1,0.25\n"), 1)
    assert path.read_text() == "epoch,loss\n0,0.5\n"


def test_figures_begin_with_one(tmp_path) -> None:
    results = ROOT / "results" / "curricula"
    specs = json.loads((results / "figures.json").read_text())
    marked(tmp_path / "figures.json", json.dumps(specs))
    for name in {spec["table"] for spec in specs}:
        marked(tmp_path / name, (results / name).read_text())
    drawn = []
    reports.draw_figures(tmp_path, drawn.append)
    assert len(drawn) == len(specs)


SCORED = f"{','.join(COLUMNS)}\n{CELL},1,2,"


@pytest.mark.parametrize(
    "content",
    [
        *(b"\xff\xfe\x00", b"a,b\n", b"", None, SCORED.encode()),
        *(f"{SCORED}high,1,3\n".encode(), f"{SCORED}nan,1,3\n".encode()),
    ],
)
def test_what_is_no_table_is_told(tmp_path, content) -> None:
    path = tmp_path / "table.csv"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(runs.RunError, match="expected a new file, or one with the"):
        rank([], None, [Untouched()], None, path)
    with pytest.raises(runs.RunError, match="expected|not CSV"):
        table.read_measured(path)


def test_no_reader_of_text_minds_one() -> None:
    readers = re.compile(r"(?:read_text|open)\(([^()]*)\)")
    own = '"/proc/cpuinfo"', '"w"', '"a', '"rb"', '"wb"'
    for folder in ("gtn_tf", "cli"):
        for file in (ROOT / folder).rglob("*.py"):
            for words in readers.findall(file.read_text(encoding="utf-8")):
                if "encoding=" in words and not any(word in words for word in own):
                    assert "utf-8-sig" in words, f"{file}: {words}"
