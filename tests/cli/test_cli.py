"""The command line as a user types it."""

from __future__ import annotations

import csv
import errno
import importlib
import io
import pkgutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from gtn_tf.build import build_gtn
from gtn_tf.cells import parse_genotype
from gtn_tf.cli.__main__ import main
from gtn_tf.cli.options import teacher_name
from gtn_tf.config import (
    Config,
    ConfigError,
    DartsConfig,
    EnasConfig,
    FinalConfig,
    GHNConfig,
    SearchConfig,
    SupernetConfig,
    load_config,
)
from gtn_tf.data import load
from gtn_tf.runs import RunDirectory, workers
from gtn_tf.runs.limits import expect_possible
from gtn_tf.runs.train_final import build_network

PRESETS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


def run(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "gtn_tf.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
    )


def test_print_config_is_a_config(tmp_path):
    done = run("train", "--config", "mnist_laptop", "--print-config", "seed=7")
    assert done.returncode == 0
    (tmp_path / "run.yaml").write_text(done.stdout)
    assert load_config(str(tmp_path / "run.yaml")) == load_config(
        "mnist_laptop", ["seed=7"]
    )


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["meta.iterration=3"], "did you mean meta.iterations?"),
        (["meta.iterations=many"], "expected an integer of at least 1"),
        (["--config", "digit"], "did you mean digits?"),
        (["--config", "mnist_laptop", "--data-dir", "nowhere"], "nowhere"),
    ],
)
def test_errors_are_one_line(arguments, problem, tmp_path):
    done = run("train", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and problem in line
    assert not list(tmp_path.iterdir())  # a mistake leaves nothing behind


def test_a_mistyped_key_is_told_before_tensorflow_starts():
    started = time.monotonic()
    run("train", "meta.iterration=3")
    assert time.monotonic() - started < 3


def test_help_and_unknown_options():
    done = run("train", "--help")
    assert done.returncode == 0 and "--run-dir" in done.stdout
    assert run("teach").returncode == 2
    assert run("train", "--resum=yes").returncode == 2


def test_a_teacher_from_the_command_line(tmp_path, monkeypatch):
    done = run(
        *("evaluate", "--teacher", "digits", "--learner", "mlp"),
        *("--learners", "1", "--every", "100", "--out", "found"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "lessons" in done.stdout and "rates tuned for it" in done.stdout
    names = {path.name for path in (tmp_path / "found").iterdir()}
    assert names == {"curves.csv", "curves.png", "evaluation.json"}
    monkeypatch.chdir(tmp_path)
    words = "--teacher", "digits", "--format", "npz", "--out", "t.npz"
    assert main(["export", *words]) == 0
    assert main("sample --teacher t.npz --out pictures".split()) == 0
    assert (tmp_path / "pictures" / "curriculum.gif").exists()


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["evaluate", "--teacher", "mnits"], "did you mean mnist?"),
        (["evaluate", "--teacher", "digits", "--data", "mnist"], "expected data like"),
        (["sample", "--teacher", "."], "found no saved_model.pb"),
    ],
)
def test_teachers_that_cannot_be_used(arguments, problem, tmp_path, monkeypatch, capfd):
    images = np.zeros([20_000, 28, 28], np.uint8)
    images[:10_000] = 255
    labels = np.arange(20_000) % 10
    arrays = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data" / "mnist.npz", **arrays)
    monkeypatch.setenv("GTN_TF_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("error: ") and problem in line


def test_bad_options_of_evaluate_and_rank():
    assert run("evaluate", "--teacher", "digits", "--learners", "0").returncode == 2
    assert run("evaluate", "--teacher", "digits", "--learner", "vgg").returncode == 2
    assert run("rank", "--all", "--out", "a.csv", "--workers", "0").returncode == 2


CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"


def test_genotypes_are_ranked_from_the_command_line(tmp_path, monkeypatch, capsys):
    other = CELL.replace("avg_pool", "nor_conv")
    (tmp_path / "cells.txt").write_text(f"# two cells\n{CELL}\n\n{other}\n{CELL}\n")
    words = "rank --teacher digits --genotypes cells.txt --out found/ranks.csv".split()
    words += "--filters 4 --steps 12".split()  # the cells say their space
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "found" / "ranks.csv").read_text()
    header, *rows = (line.split(",") for line in text.splitlines())
    assert header == "genotype params flops gtn_score rank seconds".split()
    assert {row[0] for row in rows} == {CELL, other}
    assert [row[4] for row in rows] == ["1", "2"]
    assert float(rows[0][3]) >= float(rows[1][3]) > 0.2
    assert "2/2" in done.stdout
    monkeypatch.chdir(tmp_path)
    assert main(words) == 0  # nothing is left to do
    assert "2/2" not in capsys.readouterr().out
    assert (tmp_path / "found" / "ranks.csv").read_text() == text


@pytest.mark.slow
def test_scores_of_other_settings_are_not_added_to_a_ranking(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(CELL)
    (tmp_path / "b.txt").write_text(CELL.replace("avg_pool", "nor_conv"))
    words = "rank --teacher digits --out ranks.csv --filters 1 --steps 2 --genotypes"
    assert main([*words.split(), "a.txt"]) == 0
    scored = (tmp_path / "ranks.csv").read_text().splitlines()[1]
    capsys.readouterr()
    for changed in ("--steps 3", "--learners 2", "--filters 2", "--cells 2"):
        assert main([*words.split(), "b.txt", *changed.split()]) == 1
        problem = capsys.readouterr().err
        assert "cannot be compared" in problem and "choose another --out" in problem
    assert main([*words.split(), "b.txt"]) == 0
    rows = (tmp_path / "ranks.csv").read_text().splitlines()[1:]
    assert len(rows) == 2  # what was scored before stays
    assert any(row.rsplit(",", 2)[0] == scored.rsplit(",", 2)[0] for row in rows)


@pytest.mark.slow
def test_genotypes_are_ranked_by_any_scores(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    other = CELL.replace("avg_pool", "nor_conv")
    (tmp_path / "cells.txt").write_text(f"{CELL}\n{other}")
    words = "rank --genotypes cells.txt --out ranks.csv --filters 1 --steps 2".split()
    scored = [*words, "--scorer", "params", "real_tse"]
    assert main(scored) == 1
    assert "expected --teacher or --data" in capsys.readouterr().err
    assert main([*words, "--data", "digits"]) == 1
    assert "'gtn': expected a teacher" in capsys.readouterr().err
    assert main([*scored, "--data", "digits"]) == 0
    assert "best: |" in capsys.readouterr().out
    header, *rows = (
        line.split(",") for line in (tmp_path / "ranks.csv").read_text().splitlines()
    )
    assert header == "genotype params flops real_tse rank seconds".split()
    assert {row[0] for row in rows} == {CELL, other}
    assert all(float(row[3]) < 0 for row in rows)


def test_genotypes_are_ranked_at_the_same_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = CELL.replace("avg_pool", "nor_conv")
    (tmp_path / "cells.txt").write_text(f"{CELL}\n{other}")
    words = "rank --genotypes cells.txt --data digits --scorer params --out".split()
    asked, found = [], []
    monkeypatch.setattr(
        "gtn_tf.runs.use_one_thread_per_operation", lambda: asked.append(number)
    )
    for number in ("1", "2"):
        assert main([*words, f"{number}.csv", "--workers", number]) == 0
        rows = (tmp_path / f"{number}.csv").read_text().splitlines()
        found.append([row.rsplit(",", 1)[0] for row in rows])  # without seconds
    assert found[0] == found[1] and len(found[0]) == 3
    assert asked == ["2"]  # alone, an operation may have all cores


@pytest.mark.parametrize(
    "words, problem",
    [
        (
            "train data.augment=[mirror]",
            "data.augment: augment: expected no mirror for",
        ),
        ("train meta.batch_size=2000", "meta.batch_size: batch_size must be between"),
        ("train data.image_size=2000", "data.image_size: image_size must be between"),
        (
            "train-final training.batch_size=5000",
            "training.batch_size: batch_size must",
        ),
        ("search data.image_size=5000", "data.image_size: image_size must be"),
    ],
)
def test_settings_that_do_not_fit_the_data_name_their_key(
    tmp_path, monkeypatch, capsys, words, problem
):
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 1
    line = capsys.readouterr().err
    assert line.startswith(f"error: {problem}") and line.count("\n") == 1


def test_every_error_of_ours_has_one_base():
    for module in pkgutil.walk_packages(gtn_tf.__path__, "gtn_tf."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ours = [
        kind
        for parent in (ValueError, RuntimeError, ArithmeticError, OSError, TypeError)
        for kind in subclasses(parent)
        if kind.__module__.startswith("gtn_tf.")
    ]
    assert len(ours) > 6
    assert all(issubclass(kind, gtn_tf.GTNError) for kind in ours)


def subclasses(parent):
    children = parent.__subclasses__()
    return [*children, *(kind for child in children for kind in subclasses(child))]


DARTS = (
    "Genotype(normal=[('skip_connect', 0), ('sep_conv_3x3', 1)], normal_concat=[2],\n"
    "  reduce=[('max_pool_3x3', 0), ('skip_connect', 1)], reduce_concat=range(2, 3))\n"
)


@pytest.mark.slow
def test_what_darts_printed_is_ranked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells.txt").write_text(f"epoch_1 = {DARTS}# the same\n{DARTS}")
    words = "rank --teacher digits --genotypes cells.txt --out ranks.csv --filters 1"
    assert main([*words.split(), "--steps", "2"]) == 0
    assert "1/1" in capsys.readouterr().out
    _, row = (tmp_path / "ranks.csv").read_text().splitlines()
    cell = "identity@0 sep_conv_3x3@1 | max_pool_3x3@0 identity@1,"
    assert row.startswith(cell) and float(row.split(",")[3]) >= 0


def test_genotypes_of_a_file_are_listed_and_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells.txt").write_text(f"x = {DARTS}\nx = {CELL}\ny = {CELL}\n{CELL}")
    words = "genotypes --file cells.txt --format csv --plot pictures".split()
    assert main(words) == 0
    header, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header == ["name", "layout", "params", "flops", "published_params"]
    digests = [parse_genotype(text).genotype.digest for text in (DARTS, CELL)]
    names = [f"x_{digests[0]}", f"x_{digests[1]}", "y", digests[1]]
    assert [row[0] for row in rows] == names
    assert [row[1] for row in rows] == [
        *("darts N=6 F=36", *["nas_bench_201 N=5 F=16"] * 3)
    ]
    assert len({tuple(row[2:]) for row in rows[1:]}) == 1 and rows[0][4] == ""
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {*names}


def test_published_genotypes_are_listed(capsys):
    assert main(["genotypes"]) == 0
    shown = capsys.readouterr().out
    assert "amoebanet_b  amoebanet N=6 F=128       34.87M  11200.60M" in shown
    assert "naonet: the cause is not known" in shown


@pytest.mark.parametrize(
    "command", ["genotypes", "genotypes --file cells.txt", "table"]
)
def test_lists_need_neither_tensorflow_nor_matplotlib(tmp_path, command):
    (tmp_path / "cells.txt").write_text(f"{DARTS}\n{CELL}\n")
    program = (
        "import sys\n"
        "from gtn_tf.cli.__main__ import main\n"
        f"status = main({command.split()!r})\n"
        "slow = {'tensorflow', 'keras', 'tf_keras', 'matplotlib'} & {*sys.modules}\n"
        "sys.exit(status or ' '.join(slow) or 0)\n"
    )
    run = [sys.executable, "-c", program]
    found = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert len(found.stdout.splitlines()) > 2


def test_lines_that_are_no_genotypes_are_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells.txt").write_text("# none\n0 5 1 5\n")
    words = ["rank", "--teacher", "digits", "--out", "ranks.csv", "--genotypes"]
    assert main([*words, "cells.txt"]) == main([*words, "cell.txt"]) == 1
    wrong, missing = capsys.readouterr().err.splitlines()
    assert wrong.startswith("error: cells.txt, line 2: expected 40 integers")
    assert missing.startswith("error: cell.txt: expected a text file")


def test_a_search_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = "search --run-dir found space.name=nas_bench_201 space.filters=2".split()
    words += "ranking.candidates=3 training.top_k=2 ranking.scorer=params".split()
    words += "training.epochs=1 training.images=128".split()
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "full training 2/2" in shown and "test " in shown
    for name in ("results.csv", "summary.json", "scores.png", "best.png"):
        assert (tmp_path / "found" / name).exists()
    results = (tmp_path / "found" / "results.csv").read_text()
    assert main(words) == 1
    assert "add --resume" in capsys.readouterr().err
    assert main([*words, "seed=1", "--resume"]) == 1
    assert "another configuration (seed: 0 != 1)" in capsys.readouterr().err
    assert main([*words, "--resume"]) == 0
    assert (tmp_path / "found" / "results.csv").read_text() == results


# What users can do, each told in one line


@pytest.mark.parametrize("command", ["train", "train-final", "search"])
@pytest.mark.parametrize(
    "setting", ["seed=9223372036854775808", "data.image_size=2000"]
)
def test_settings_that_fit_no_machine_name_their_key(
    command, setting, tmp_path, capsys
):
    assert main([command, "--run-dir", str(tmp_path / "run"), setting]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {setting.partition('=')[0]}: ")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "command, setting",
    [
        ("train", "generator.filters=1000000000"),
        ("train", "generator.units=1000000000"),
        ("train", "teacher.steps=100000000"),
        ("train", "teacher.batch_size=100000000"),
        ("train", "teacher.latent_size=1000000000"),
        ("train", "learners.architectures=1000000000"),
        ("train", "learners.filters=[16,1000000000]"),
        ("train", "learners.units=[[1000000000,1000000001]]"),
        ("train", "meta.learners_per_iteration=2000000000"),
        ("train", "evaluation.learners=99999999999999999999"),
        ("train-final", "network.filters=1000000000"),
        ("train-final", "network.cells=1000000000"),
        ("train-final", "training.epochs=99999999999999999999"),
        ("search", "space.filters=1000000000"),
    ],
)
def test_sizes_that_fit_no_memory_name_their_key(command, setting, tmp_path, capsys):
    assert main([command, "--run-dir", str(tmp_path / "run"), setting]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {setting.partition('=')[0]}: expected ")
    assert "memory of" in line or "below 2**31" in line


def test_residual_learners_have_to_fit_the_memory():
    splits = SimpleNamespace(image_shape=(8, 8, 1), num_classes=10)
    words = "learners.family=resnet", "learners.units=[1000000000]"
    expect_possible(load_config("digits", words), splits)  # they have no such layers
    wide = load_config("digits", [words[0], "learners.filters=[16,1000000000]"])
    with pytest.raises(ConfigError, match="^learners.filters: expected weights of a"):
        expect_possible(wide, splits)


@pytest.mark.parametrize("estimator", ["persistent", "ridge"])
def test_learners_that_live_on_fit_the_memory(estimator):
    words = f"meta.estimator={estimator}", "meta.window=6"
    splits = SimpleNamespace(image_shape=(8, 8, 1), num_classes=10)
    expect_possible(load_config("digits", words), splits)
    many = load_config("digits", [*words, "meta.persistent_learners=1000000000"])
    with pytest.raises(ConfigError, match="^meta.persistent_learners: .* live on"):
        expect_possible(many, splits)


@pytest.mark.parametrize("preset", [file.stem for file in PRESETS])
def test_every_preset_fits(preset):
    splits = SimpleNamespace(image_shape=(32, 32, 3), num_classes=10)
    expect_possible(load_config(preset, schema=schema_of(preset)), splits)


def schema_of(preset: str) -> type:
    kinds = {
        "final": FinalConfig,
        "search": SearchConfig,
        "supernet": SupernetConfig,
        "darts": DartsConfig,
        "enas": EnasConfig,
        "ghn": GHNConfig,
    }
    return kinds.get(preset.partition("_")[0], Config)


def test_what_no_memory_holds_is_one_line(monkeypatch, capsys):
    for error in (
        MemoryError("Unable to allocate 8.00 TiB"),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\nmore"),
    ):
        fail(monkeypatch, error)
        assert main(["train"]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: not enough memory for these settings")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "runs/x/metrics.csv"),
        tf.errors.ResourceExhaustedError(
            None, None, "{{node}} runs/x/metrics.csv; No space left on device [Op:Save]"
        ),
    ],
)
def test_what_the_system_refuses_is_one_line(monkeypatch, capsys, error):
    fail(monkeypatch, error)
    assert main(["train"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "error: runs/x/metrics.csv: No space left on device; " in line


def fail(monkeypatch, error: Exception) -> None:
    def run(options):
        raise error

    monkeypatch.setattr("gtn_tf.cli.train.run", run)


def test_a_bug_keeps_its_traceback(monkeypatch):
    fail(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main(["train"])


@pytest.mark.parametrize(
    "words",
    [
        "export --teacher digits --out {}/t.npz",
        "export --teacher digits --format saved_model --out {}",
        "sample --teacher digits --out {}",
        "table --out {}",
        "genotypes --plot {}",
        "evaluate --teacher digits --learner mlp --learners 1 --every 12 --out {}",
        "train --run-dir {}",
        "train-final --run-dir {}",
        "search --run-dir {}",
    ],
)
@pytest.mark.parametrize("place", ["file/below", "x" * 300])
def test_places_that_cannot_be_written_to(words, place, tmp_path, capsys):
    (tmp_path / "file").touch()
    place = str(tmp_path / place)
    assert main([word.format(place) for word in words.split()]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and str(tmp_path) in line
    assert "Not a directory" in line or "too long" in line
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_empty_genotype(capsys):
    assert main(["train-final", "--genotype", ""]) == 1
    assert "network.genotype: expected a text, received ''" in capsys.readouterr().err


def test_home_folders(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["table", "--out=~/found"]) == 0
    assert (tmp_path / "found" / "table.md").exists()
    assert main(["export", "--teacher", "digits", "--out", "~/t.npz"]) == 0
    assert (tmp_path / "t.npz").exists()
    assert main(["train", "--run-dir", "~/found"]) == 1
    assert f"{tmp_path}/found: expected a new" in capsys.readouterr().err
    assert RunDirectory(Path("~/run")).path == tmp_path / "run"
    with pytest.raises(SystemExit):
        main(["table", "--out", "~nobody-of-this-name/x"])
    assert "--out: ~nobody-of-this-name/x: " in capsys.readouterr().err
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("seconds", [0.7, 2.0])
def test_signals_while_tensorflow_is_imported(name, seconds, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "gtn_tf.cli", "train"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(seconds)
    process.send_signal(getattr(signal, name))
    output, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert output.splitlines()[-1].startswith("interrupted; the same command goes on")
    assert error == ""


def test_a_reader_that_has_seen_enough(tmp_path):
    table = subprocess.Popen(
        [sys.executable, "-m", "gtn_tf.cli", "genotypes", "--format", "csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    table.stdout.close()
    _, error = table.communicate(timeout=100)
    assert error == b""


@pytest.mark.parametrize(
    "variables, problem",
    [
        ({"KERASTUNER_ORACLE_IP": "127.0.0.1"}, "expected KERASTUNER_ORACLE_PORT and"),
        (
            {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": "many",
             "KERASTUNER_TUNER_ID": "chief"},
            "KERASTUNER_ORACLE_PORT: expected a number from 1 to 65535",
        ),
    ],
)  # fmt: skip
def test_half_an_address_of_the_chief(variables, problem, monkeypatch, capsys):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["search"]) == 1
    assert problem in capsys.readouterr().err


def test_the_chief_warns_once_of_an_open_port(monkeypatch):
    told = []
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "8000")
    for host, warned in (
        *(("127.0.0.1", 0), ("127.8.8.8", 0), ("::1", 0), ("localhost", 0)),
        *(("0.0.0.0", 1), ("10.1.2.3", 1), ("::", 1), ("node7", 1)),
    ):
        monkeypatch.setenv("KERASTUNER_ORACLE_IP", host)
        for who in ("chief", "one"):
            monkeypatch.setenv("KERASTUNER_TUNER_ID", who)
            told.clear()
            workers.warn_if_open(told.append)
            assert len(told) == (warned if who == "chief" else 0), host
    monkeypatch.delenv("KERASTUNER_ORACLE_IP")
    workers.warn_if_open(told.append)
    assert not told


@pytest.mark.slow
def test_damaged_files_of_a_search(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = "search --run-dir found space.name=nas_bench_201 space.filters=1".split()
    words += "ranking.candidates=2 training.top_k=1 ranking.scorer=params".split()
    words += "training.epochs=1 training.images=64 --resume".split()
    assert main(words) == 0
    found = tmp_path / "found"
    table = (found / "results.csv").read_text()
    (found / "results.csv").write_text("trial,geno")
    assert main(words) == 0  # made again from the trials
    assert (found / "results.csv").read_text() == table
    capsys.readouterr()
    for name in ("oracle.json", "trial_0000/trial.json"):
        sound = (found / name).read_text()
        (found / name).write_text(sound[:40])
        before = {path: path.stat().st_mtime_ns for path in found.rglob("*.json")}
        assert main(words) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert f"found/{name}: damaged (not JSON" in line and "sound copy" in line
        after = {path: path.stat().st_mtime_ns for path in found.rglob("*.json")}
        assert before == after
        (found / name).write_text(sound)
    for file in found.glob("trial_*/checkpoint*"):
        if file.is_file():
            file.write_bytes(b"no weights")
    assert main(words) == 1
    assert "expected the weights of the best network" in capsys.readouterr().err


def test_the_largest_seed_is_one():
    """No sum of a seed and a number of a layer leaves 64 bits."""
    overrides = ["network.cells=0", "network.filters=1", f"seed={2**63 - 1}"]
    config = load_config("final_digits", overrides, FinalConfig)
    splits = load(batch_size=400)
    expect_possible(config, splits)
    model = build_network(config, splits)
    assert set(model(splits.test_images[:2], training=True)) == {"logits", "auxiliary"}
    kinds = [
        "learners.family=[mlp, conv]",
        "learners.architectures=2",
        f"seed={2**63 - 1}",
    ]
    assert len(build_gtn(load_config("digits", kinds), splits).pool) == 2


def test_a_folder_without_a_name_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for teacher, name in (
        (".", tmp_path.name),
        ("a/..", tmp_path.name),
        ("t.npz", "t"),
    ):
        assert teacher_name(SimpleNamespace(teacher=teacher)) == name
