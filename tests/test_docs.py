"""Every Python block of the README and of docs/ runs, page by page, as it stands there.

What takes long is made smaller, by replacing a piece of text that has to be there. The
blocks of a page share their names, as they do for a reader who types them one by one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gtn_tf
from gtn_tf.cli.__main__ import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def run_page(tmp_path, monkeypatch) -> Callable[..., dict[str, Any]]:
    """Runs a page's blocks in an empty folder; gives the names that they leave."""
    monkeypatch.chdir(tmp_path)

    def run(page: str, smaller: dict[str, str]) -> dict[str, Any]:
        text = (ROOT / page).read_text(encoding="utf-8")
        names: dict[str, Any] = {}
        found = {long: 0 for long in smaller}
        for block in _BLOCK.finditer(text):
            program = re.sub(f"^{block[1]}", "", block[2], flags=re.MULTILINE)
            for long, short in smaller.items():
                found[long] += program.count(long)
                program = program.replace(long, short)
            first_line = text.count("\n", 0, block.start()) + 1
            code = compile("\n" * first_line + program, str(ROOT / page), "exec")
            exec(code, names)
        assert all(found.values()), f"not in {page}: {found}"
        assert names, f"no Python in {page}"
        return names

    return run


def test_the_readme(run_page, tmp_path):
    names = run_page(
        "README.md", {"epochs=5, steps_per_epoch=50": "epochs=1, steps_per_epoch=2"}
    )
    assert gtn_tf.load_teacher(tmp_path / "digits_teacher" / "1").steps == 12
    assert len(names["history"].history["accuracy"]) == 1


def test_training(run_page, tmp_path):
    names = run_page(
        "docs/training.md",
        {
            "epochs=10, steps_per_epoch=50": "epochs=1, steps_per_epoch=2",
            "batch_size=32": "batch_size=10",
        },
    )
    assert (tmp_path / "gtn.keras").is_file()
    assert gtn_tf.load_teacher("runs/mine/1").class_names == list("0123456789")
    assert len(names["gtn"].pool) == 2  # one of each kind


def test_own_data(run_page, tmp_path, capsys):
    names = run_page(
        "docs/own_data.md",
        {"epochs=10, steps_per_epoch=50": "epochs=1, steps_per_epoch=2"},
    )
    teacher = names["teacher"]
    assert teacher.description["dataset"] == "pictures"
    assert teacher.class_names == [f"digit_{n}" for n in range(10)]
    from_files = teacher.description["normalization"]["mean"]
    assert from_files == pytest.approx(names["splits"].mean, abs=0.01)
    page = (ROOT / "docs" / "own_data.md").read_text(encoding="utf-8")
    look = "data pictures --plot examples.png"
    train = "train --data pictures --run-dir runs/pictures"
    assert all(f"python -m gtn_tf.cli {line}\n" in page for line in (look, train))
    capsys.readouterr()
    assert main(look.split()) == 0 and (tmp_path / "examples.png").exists()
    assert "digit_9" in capsys.readouterr().out
    assert main([*train.split(), "--print-config"]) == 0
    assert f"path: {tmp_path / 'pictures'}" in capsys.readouterr().out


def test_teaching(run_page, capsys):
    names = run_page("docs/teaching.md", {})
    assert names["history"].history["accuracy"]
    printed = re.findall(r"^\[\S+, (\S+)\]$", capsys.readouterr().out, re.MULTILINE)
    assert [float(accuracy) > 0.6 for accuracy in printed] == [True]


def test_other_runtimes(run_page, capsys):
    command = "export --teacher digits --format npz --out digits.npz"
    page = (ROOT / "docs" / "other_runtimes.md").read_text(encoding="utf-8")
    assert f"python -m gtn_tf.cli {command}\n" in page
    assert main(command.split()) == 0
    capsys.readouterr()
    names = run_page("docs/other_runtimes.md", {})
    assert names["lesson"]["images"].shape == (32, 8, 8, 1)
    assert names["asked"].shape == (3, 8, 8, 1)
    assert json.loads(names["about"].numpy())["steps"] == 24
    assert float(capsys.readouterr().out) > 0.6


def test_search(run_page, tmp_path, capsys):
    run_page(
        "docs/search.md",
        {
            "candidates=20": "candidates=2",
            "top_k=3": "top_k=1",
            "epochs=10": "epochs=1",
            "steps=24": "steps=3",
        },
    )
    assert "Trial 0002 summary" in capsys.readouterr().out
    rows = (tmp_path / "runs" / "mlp" / "results.csv").read_text().splitlines()
    assert len(rows) == 3


def test_full_training(run_page, capsys):
    run_page("docs/full_training.md", {})
    assert "'darts_v2'" in capsys.readouterr().out


def test_no_page_is_left_out():
    with_python = {
        path.relative_to(ROOT).as_posix()
        for path in PAGES
        if "```python" in path.read_text(encoding="utf-8")
    }
    source = Path(__file__).read_text(encoding="utf-8")
    assert with_python == set(re.findall(r'"([\w/]+\.md)",\s+\{', source))


def test_no_file_that_is_linked_is_missing():
    """In the repository; `make docs` looks at the links of the site."""
    missing = []
    for path in [*PAGES, ROOT / "results" / "README.md"]:
        text = _BLOCK.sub("", path.read_text(encoding="utf-8"))
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", text):
            if not (path.parent / link).exists():
                missing.append(f"{path.name}: {link}")
    assert not missing


def test_every_public_name_is_in_the_reference():
    pages = (ROOT / "docs" / "reference").glob("*.md")
    described = re.findall(
        r"^::: (\S+)", "".join(p.read_text() for p in pages), re.MULTILINE
    )
    assert set(gtn_tf._ROOMS) <= {name.removeprefix("gtn_tf.") for name in described}
    assert set(gtn_tf._NAMES) <= {name.rpartition(".")[2] for name in described}


@pytest.mark.parametrize(
    "name, smaller",
    [
        ("teach_my_keras_model", {"NETWORKS": 1}),
        pytest.param(
            "search_with_a_teacher",
            {"CANDIDATES": 2, "BEST": 1, "EPOCHS": 1},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_notebooks(name, smaller, tmp_path):
    """Their code runs, with smaller values than those of the cell `parameters`."""
    text = (ROOT / "docs" / f"{name}.ipynb").read_text(encoding="utf-8")
    program, replaced = [], set()
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] != "code":
            continue
        program.append("".join(cell["source"]))
        if "parameters" in cell["metadata"].get("tags", ()):
            replaced |= set(re.findall(r"^(\w+) =", program[-1], re.MULTILINE))
            program += [f"{key} = {value}" for key, value in smaller.items()]
    assert replaced == set(smaller)
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(program)],
        check=False,
        cwd=tmp_path,
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
