"""What the README shows, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

from gtn_tf.cli.__main__ import main

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_scikit_learn_learns_from_a_teacher(tmp_path, monkeypatch, capsys):
    (command,) = re.findall(r"python -m gtn_tf.cli (export .*--out digits.npz)", README)
    (program,) = re.findall(r"```python\n([^`]*LogisticRegression[^`]*)```", README)
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 0
    capsys.readouterr()
    exec(program, {})
    assert float(capsys.readouterr().out) > 0.6


def test_a_users_space_is_searched(tmp_path, monkeypatch, capsys):
    (program,) = re.findall(r"```python\n([^`]*GTNTuner[^`]*)```", README)
    for long, short in (
        ("candidates=20", "candidates=2"),
        ("top_k=3", "top_k=1"),
        ("epochs=10", "epochs=1"),
        ("steps=24", "steps=3"),
    ):
        assert long in program
        program = program.replace(long, short)
    monkeypatch.chdir(tmp_path)
    exec(program, {})
    assert "Trial 0002 summary" in capsys.readouterr().out
    rows = (tmp_path / "runs" / "mlp" / "results.csv").read_text().splitlines()
    assert len(rows) == 3
