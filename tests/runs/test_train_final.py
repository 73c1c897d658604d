"""The full training of an architecture: its parts, and the command as users run it."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml

from conftest import kill_when_written, slow_after
from gtn_tf import data, runs
from gtn_tf.cells import (
    PUBLISHED,
    Cell,
    Genotype,
    Genotype201,
    Node,
    cell_network,
    network_201,
)
from gtn_tf.cells.blocks import TRAINING
from gtn_tf.cli.__main__ import main
from gtn_tf.config import ConfigError, FinalConfig, load_config
from gtn_tf.data.augmentation import cut_out
from gtn_tf.layers import Dropout, DropPath
from gtn_tf.precision import precision
from gtn_tf.runs import RunError
from gtn_tf.runs.checkpoints import Checkpoints
from gtn_tf.runs.train_final import build_network, logits_alone

# Its reduction cell is all there is in a network without normal cells.
CELL = "conv_1x1@0 identity@1 | sep_conv_3x3@0 identity@1"
TINY = [
    *("network.cells=0", "network.filters=2", f"network.genotype='{CELL}'"),
    *("training.epochs=4", "training.batch_size=400", "data.cutout=3"),
]


# Its parts, against closed forms


def test_cutout_covers_a_square_around_any_pixel() -> None:
    step = tf.constant(5, tf.int64)
    images = cut_out(tf.ones([2000, 5, 6, 2]), 3, seed=1, step=step).numpy()
    holes = images[..., 0] == 0
    assert np.array_equal(holes, images[..., 1] == 0)
    expected = set()
    for row in range(5):
        for column in range(6):
            hole = np.zeros([5, 6], bool)
            hole[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = True
            expected.add(hole.tobytes())
    assert {hole.tobytes() for hole in holes} == expected
    again = cut_out(tf.ones([2000, 5, 6, 2]), 3, seed=1, step=step)
    np.testing.assert_array_equal(images, again)
    other = cut_out(tf.ones([2000, 5, 6, 2]), 3, seed=1, step=step + 1)
    assert not np.array_equal(images, other)


def test_cutout_covers_training_images_only() -> None:
    plain, covered = (data.load(cutout=cutout) for cutout in (0, 4))
    images, same = (next(iter(splits.train))[0] for splits in (plain, covered))
    assert 0.05 < np.mean(images != same) < 0.3
    np.testing.assert_array_equal(plain.test_images, covered.test_images)
    with pytest.raises(ValueError, match="cutout must not be negative, received -1"):
        data.load(cutout=-1)


def test_drop_path_keeps_the_mean_and_rises_linearly() -> None:
    drop, x = DropPath(rate=0.4, steps=10, seed=3), tf.ones([20_000, 1, 1, 2])
    for step, rate in ((0, 0.0), (5, 0.2), (10, 0.4), (15, 0.4)):
        found = drop([x, tf.constant(step, tf.int64)], training=True).numpy()
        assert set(np.unique(found)) <= {0.0, np.float32(1 / np.float32(1 - rate))}
        assert np.array_equal(found[..., 0], found[..., 1])  # the whole path
        assert np.mean(found == 0) == pytest.approx(rate, abs=0.015)
        assert found.mean() == pytest.approx(1, abs=0.03)
    untouched = drop([x, tf.constant(9, tf.int64)], training=False)
    np.testing.assert_array_equal(untouched, x)
    with pytest.raises(ValueError, match=r"in \[0, 1\), received 1"):
        DropPath(1, 10)
    with pytest.raises(ValueError, match="at least one step, received 0"):
        DropPath(0.1, 0)


def test_dropout_drops_single_numbers_and_keeps_the_mean() -> None:
    drop, x, step = Dropout(rate=0.4, seed=1), tf.ones([200, 300]), tf.constant(7)
    first, again, next_ = (
        drop([x, tf.cast(at, tf.int64)], training=True).numpy()
        for at in (step, step, step + 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.mean(first == 0) == pytest.approx(0.4, abs=0.01)
    assert first.mean() == pytest.approx(1, abs=0.02)
    assert np.mean((first == 0) == (next_ == 0)) < 0.6  # of independent draws: 0.52


def test_drop_path_is_deeper_in_later_cells_and_spares_identities() -> None:
    genotype = Genotype.parse("conv_1x1@0 identity@1 | conv_1x1@0 identity@1")
    model = cell_network(
        genotype, (8, 8, 1), 3, cells=1, filters=1, drop_path=0.5, steps=9
    )
    paths = [layer for layer in model.layers if isinstance(layer, DropPath)]
    # Five cells; the strided identities of the reduction cells are dropped, too.
    assert [p.rate for p in paths] == pytest.approx([0.1, 0.2, 0.2, 0.3, 0.4, 0.4, 0.5])
    assert len({p.seed for p in paths}) == len(paths)
    for _ in range(3):
        model(tf.zeros([2, 8, 8, 1]), training=True)
    assert int(model.get_layer("clock").step) == 3


def test_factorized_reduction_is_two_shifted_samplings() -> None:
    x = tf.random.stateless_normal([2, 6, 6, 3], [0, 1])
    inputs = tf.keras.Input([6, 6, 3])
    model = tf.keras.Model(inputs, TRAINING.factorized_reduce(inputs, 4))
    first, second = (v.numpy()[0, 0] for v in model.trainable_variables[:2])
    rectified = np.maximum(x.numpy(), 0)
    shifted = np.pad(rectified, [(0, 0), (0, 1), (0, 1), (0, 0)])[:, 1:, 1:]
    pair = [image[:, ::2, ::2] @ w for image, w in
            ((rectified, first), (shifted, second))]  # fmt: skip
    expected = np.concatenate(pair, -1) / np.sqrt(1 + 1e-5)  # fresh batch norm
    np.testing.assert_allclose(model(x), expected, rtol=1e-4, atol=1e-5)


def test_the_learning_rate_is_a_cosine_and_kernels_decay() -> None:
    config = load_config(
        "final_digits",
        [*TINY, "training.learning_rate=0.4", "training.final_learning_rate=0.1",
         "training.weight_decay=0.5", "network.auxiliary=0"],
        FinalConfig,
    )  # fmt: skip
    model = build_network(config, data.load(batch_size=400))
    rate, steps = model.optimizer._learning_rate, 4 * 3
    for step in (0, 5, steps):
        cosine = 0.1 + 0.3 * (1 + np.cos(np.pi * step / steps)) / 2
        assert float(rate(step)) == pytest.approx(cosine, rel=1e-5)
    kernels = [v for v in model.trainable_variables if "kernel" in v.name]
    with tf.GradientTape() as tape:
        (penalty,) = model.losses
    for kernel, gradient in zip(kernels, tape.gradient(penalty, kernels)):
        np.testing.assert_allclose(gradient, 0.5 * kernel, rtol=1e-5)


def test_the_auxiliary_head_is_left_behind() -> None:
    genotype = Genotype.parse("conv_1x1@0 identity@1 | conv_1x1@0 identity@1")
    size = {"image_shape": (32, 32, 3), "num_classes": 10, "cells": 1, "filters": 8}
    plain, two = (cell_network(genotype, **size, auxiliary=on) for on in (False, True))
    assert set(two.output_shape) == {"logits", "auxiliary"}
    # An 8x8 image: pooled to 2x2, a convolution over all of it, and a dense layer.
    reduced = 32  # channels behind the second reduction cell, which has one node
    extra = reduced * 128 + 2 * 128 + 4 * 128 * 768 + 2 * 768 + 768 * 10 + 10
    assert count(two) - count(plain) == extra


CELL_201 = "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"


def test_nas_bench_201_has_the_same_regularisation() -> None:
    genotype = Genotype201.parse(CELL_201)
    size = {"image_shape": (32, 32, 3), "num_classes": 10, "cells": 2, "filters": 8}
    plain, two = (network_201(genotype, **size, auxiliary=on) for on in (False, True))
    assert set(two.output_shape) == {"logits", "auxiliary"}
    # 8x8 pixels of 32 channels behind the second residual block: as for other cells.
    extra = 32 * 128 + 2 * 128 + 4 * 128 * 768 + 2 * 768 + 768 * 10 + 10
    assert count(two) - count(plain) == extra
    model = network_201(
        genotype, **size, dropout=0.3, drop_path=0.6, steps=9, auxiliary=True
    )
    paths = [layer for layer in model.layers if isinstance(layer, DropPath)]
    # In each of the six cells two edges, without the identity and those of none.
    expected = [0.6 * cell / 6 for cell in range(1, 7) for _ in range(2)]
    assert [p.rate for p in paths] == pytest.approx(expected)
    assert {p.steps for p in paths} == {9}
    assert len({p.seed for p in paths}) == len(paths)
    (dropout,) = (one for one in model.layers if type(one) is Dropout)
    assert dropout.rate == 0.3 and count(model) == count(two)
    assert logits_alone(model).output_shape == (None, 10)


@pytest.mark.slow
def test_a_cell_of_nas_bench_201_is_trained_interrupted_and_resumed(tmp_path) -> None:
    overrides = [*TINY, f"network.genotype='{CELL_201}'", "training.epochs=2"]
    overrides.append("network.cells=1")
    config = load_config("final_digits", overrides, FinalConfig)

    def stop(line: str) -> None:
        if line.startswith("epoch 1"):
            raise KeyboardInterrupt

    whole = runs.train_final(config, tmp_path / "whole", report=lambda line: None)
    with pytest.raises(KeyboardInterrupt):
        runs.train_final(config, tmp_path / "stopped", report=stop)
    said = []
    resumed = runs.train_final(
        config, tmp_path / "stopped", resume=True, report=said.append
    )
    assert curve(tmp_path / "stopped") == curve(tmp_path / "whole")
    assert resumed["test_accuracy"] == whole["test_accuracy"]
    model = network_201(Genotype201.parse(CELL_201), (8, 8, 1), 10, 1, 2)
    assert resumed["params"] == count(model)  # without the auxiliary head
    exported = tf.saved_model.load(str(tmp_path / "stopped" / "export" / "1"))
    found = exported.signatures["serving_default"](images=tf.zeros([3, 8, 8, 1]))
    assert found["logits"].shape == (3, 10)


def test_networks_of_nas_bench_201_have_no_other_layout(tmp_path) -> None:
    overrides = [f"network.genotype='{CELL_201}'", "network.layout=darts"]
    config = load_config("final_digits", overrides, FinalConfig)
    with pytest.raises(ConfigError, match="layout: expected own, .* received 'darts'"):
        runs.train_final(config, tmp_path / "run")
    assert not list(tmp_path.iterdir())


DARTS = (
    "Genotype(normal=[('skip_connect', 0), ('sep_conv_3x3', 1)], normal_concat=[2],\n"
    "  reduce=[('max_pool_3x3', 0), ('dil_conv_5x5', 1)], reduce_concat=range(2, 3))\n"
)


def test_the_layout_of_what_darts_printed_is_its_own() -> None:
    splits = data.load(batch_size=16)
    genotype = Genotype.parse(DARTS)

    def params(*overrides: str) -> int:
        size = [*TINY, "network.cells=1"]
        config = load_config("final_digits", [*size, *overrides], FinalConfig)
        return count(build_network(config, splits))

    given = f"network.genotype={json.dumps(DARTS)}"
    same = f"network.genotype='{genotype}'"
    assert params(given) == params(same, "network.layout=darts") != params(same)


def count(model: tf.keras.Model) -> int:
    return sum(v.shape.num_elements() for v in model.trainable_variables)


def once(cell: Cell) -> Cell:
    """A smaller cell, with each operation once, that reads its inputs and its nodes."""
    ops = sorted({op for node in cell.nodes for op in (node.op_a, node.op_b)})
    pairs = zip(ops[::2], [*ops[1::2], "identity"])
    return Cell(tuple(Node(n, a, 1, b) for n, (a, b) in enumerate(pairs)))


# One of each layout, and all operations of the published cells among them.
@pytest.mark.parametrize(
    "name", slow_after(0, ["enas", "naonet", "nasnet_a", "amoebanet_b", "darts_v2"])
)
def test_published_cells_learn_a_batch_by_heart(name: str) -> None:
    one = PUBLISHED[name]
    genotype = Genotype(once(one.genotype.normal), once(one.genotype.reduction))
    model = cell_network(genotype, (8, 8, 1), 4, cells=1, filters=4, layout=one.layout)
    rng = np.random.default_rng(0)
    x = rng.normal(size=[16, 8, 8, 1]).astype(np.float32)
    y = rng.integers(0, 4, 16)
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.Adam(0.01), loss)
    examples = tf.data.Dataset.from_tensors((x, y)).repeat(60)
    model.fit(examples, verbose=0)
    model.fit(tf.data.Dataset.from_tensors((x, y)), verbose=0)
    (last,) = model.history.history["loss"]
    assert last < 0.01


# The command, as a user runs it


def command(run_dir: Path, *more: str) -> list[str]:
    module = [sys.executable, "-m", "gtn_tf.cli", "train-final", "--config"]
    return [*module, "final_digits", "--run-dir", str(run_dir), *more, *TINY]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("runs") / "whole"
    return run_dir, subprocess.check_output(command(run_dir), text=True)


def curve(run_dir: Path) -> list[dict[str, str]]:
    with (run_dir / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def test_a_training_leaves_everything(finished) -> None:
    run_dir, output = finished
    files = {str(p.relative_to(run_dir)) for p in run_dir.rglob("*") if p.is_file()}
    assert files >= {
        *("config.yaml", "metrics.csv", "summary.json", "export/1/saved_model.pb"),
        *("checkpoints/best.weights.h5", "checkpoints/last.weights.h5"),
    }
    summary = json.loads((run_dir / "summary.json").read_text())
    assert summary["epochs"] == len(curve(run_dir)) == 4
    assert summary["genotype"] == CELL and summary["seconds"] > 0
    assert f"{summary['test_accuracy']:.2%}" in output
    assert "epoch 4/4" in output and " left" in output


@pytest.mark.slow
def test_kill_9_and_resume_give_the_same_curve(finished, tmp_path) -> None:
    whole, _ = finished
    run_dir = tmp_path / "killed"
    kill_when_written(command(run_dir), run_dir / "backup" / "chief" / "ckpt-2.index")
    output = subprocess.check_output(command(run_dir, "--resume"), text=True)
    assert "resuming after epoch" in output
    assert curve(run_dir) == curve(whole)
    summaries = [json.loads((d / "summary.json").read_text()) for d in (whole, run_dir)]
    accuracies = [one["test_accuracy"] for one in summaries]
    assert accuracies[0] == accuracies[1]


_USE = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
images = tf.constant(json.load(sys.stdin))
found = model.signatures["serving_default"](images=images)
assert not {"gtn_tf", "tensorflow_addons", "keras_tuner"} & set(sys.modules)
print(json.dumps({k: v.numpy().tolist() for k, v in found.items()}))
"""


def test_the_classifier_in_a_process_without_gtn_tf(finished, tmp_path) -> None:
    run_dir, _ = finished
    digits = data.load()
    pixels = digits.test_images * digits.std[0] + digits.mean[0]  # 0..1
    output = subprocess.run(
        [sys.executable, "-c", _USE, str(run_dir / "export" / "1")],
        input=json.dumps(pixels.tolist()),
        cwd=tmp_path,
        text=True,
        check=True,
        capture_output=True,
    ).stdout
    found = json.loads(output.splitlines()[-1])
    np.testing.assert_allclose(np.sum(found["probabilities"], 1), 1, rtol=1e-5)
    accuracy = np.mean(np.argmax(found["logits"], 1) == digits.test_labels)
    summary = json.loads((run_dir / "summary.json").read_text())
    assert accuracy == pytest.approx(summary["test_accuracy"], abs=0.003)


def test_a_genotype_on_the_command_line_or_in_a_file(tmp_path, capsys) -> None:
    (tmp_path / "cell.txt").write_text(CELL + "\n")
    words = ["train-final", "--run-dir", str(tmp_path / "run"), *TINY, "--genotype"]
    for given in (CELL, tmp_path / "cell.txt", DARTS, "both ' and \""):
        assert main([*words, str(given), "--print-config"]) == 0
        shown = yaml.safe_load(capsys.readouterr().out)
        assert shown["network"]["genotype"] == str(given)
    assert main([*words, "dart_v2"]) == 1
    assert "did you mean darts_v2?" in capsys.readouterr().err.splitlines()[-1]


def test_replicas_and_mixed_precision(two_replicas) -> None:
    overrides = [*TINY, "network.genotype=naonet_ws", "training.mixed_precision=true"]
    config = load_config("final_digits", overrides, FinalConfig)
    splits = data.load(batch_size=16)
    with precision("mixed_float16"), two_replicas.scope():
        model = build_network(config, splits)
    assert set(model.output) == {"logits", "auxiliary"}
    assert {tensor.dtype for tensor in model.output.values()} == {tf.float32}
    kinds = {layer.compute_dtype for layer in model.layers}
    assert kinds == {"float16", "float32"}
    tf.keras.backend.set_floatx("float64")  # new layers follow it as before
    try:
        assert tf.keras.layers.Dense(1).dtype == "float64"
    finally:
        tf.keras.backend.set_floatx("float32")


# Its backups and results, damaged or gone


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    run_dir = tmp_path / "copy"
    shutil.copytree(finished[0], run_dir)
    return run_dir


def again(run_dir: Path) -> tuple[dict, list[str]]:
    told: list[str] = []
    config = load_config("final_digits", TINY, FinalConfig)
    return runs.train_final(config, run_dir, resume=True, report=told.append), told


def expect_same_curve(run_dir: Path, other: Path) -> None:
    """Up to rounding: the processes have not the same devices."""
    rows = [[[*map(float, row.values())] for row in curve(d)] for d in (run_dir, other)]
    np.testing.assert_allclose(*rows, rtol=1e-4)


@pytest.mark.slow
def test_a_damaged_backup_is_moved_aside(finished, copy) -> None:
    (copy / "summary.json").unlink()
    newest = copy / "backup" / "chief" / "ckpt-4.data-00000-of-00001"
    newest.write_bytes(newest.read_bytes()[:100])
    _, told = again(copy)
    assert "ckpt-4: damaged" in told[0] and "damaged-ckpt-4;" in told[0]
    assert told[1] == "resuming after epoch 3 of 4"
    assert newest.with_name(f"damaged-{newest.name}").stat().st_size == 100
    expect_same_curve(copy, finished[0])


def test_a_backup_that_cannot_be_read_now_stays(copy, monkeypatch) -> None:
    (copy / "summary.json").unlink()
    before = {p.name: p.read_bytes() for p in (copy / "backup" / "chief").iterdir()}

    def refused(prefix: str) -> None:
        raise tf.errors.OpError(None, None, f"{prefix}.index; Too many open files", 2)

    with monkeypatch.context() as patched:
        patched.setattr("tensorflow.train.load_checkpoint", refused)
        with pytest.raises(RunError, match="ckpt-4.*Too many open files.*nothing was"):
            again(copy)
    found = {p.name: p.read_bytes() for p in (copy / "backup" / "chief").iterdir()}
    assert found == before
    assert not any("resuming" in line or "epoch" in line for line in again(copy)[1][1:])


def test_a_backup_of_another_run_is_refused(copy) -> None:
    (copy / "summary.json").unlink()
    (copy / "run_id").write_text("another\n")
    with pytest.raises(RunError, match="expected a checkpoint of the run another"):
        again(copy)


@pytest.mark.slow
def test_a_run_of_an_earlier_version_goes_on(finished, copy, first_stack) -> None:
    """Keras' BackupAndRestore wrote one checkpoint, with counters and no run."""
    config = load_config("final_digits", TINY, FinalConfig)
    splits = data.load(batch_size=400)
    model = build_network(config, splits)
    model.optimizer.build(model.trainable_variables)
    chief = copy / "backup" / "chief"
    Checkpoints(model, chief, print, "", "model", "ckpt-{}")._read(f"{chief}/ckpt-3")
    shutil.rmtree(copy / "backup")
    backup = tf.keras.callbacks.BackupAndRestore(
        str(copy / "backup"), delete_checkpoint=False
    )
    backup.set_model(model)
    backup.on_train_begin()
    for epoch in range(3):
        backup.on_epoch_end(epoch)
    assert {p.name for p in chief.glob("*.index")} == {"ckpt-3.index"}
    for name in ("run_id", "summary.json"):
        (copy / name).unlink()
    _, told = again(copy)
    assert told[0] == "resuming after epoch 3 of 4"
    expect_same_curve(copy, finished[0])


def test_a_classifier_that_is_gone_is_exported_again(copy) -> None:
    before = json.loads((copy / "summary.json").read_text())
    shutil.rmtree(copy / "export")
    found, told = again(copy)
    assert "export/1: the run is finished but its export is gone" in told[0]
    assert (copy / "export" / "1" / "saved_model.pb").exists()
    assert found["test_accuracy"] == before["test_accuracy"]
    assert found["seconds"] == before["seconds"]


def test_damaged_results_are_told(copy) -> None:
    (copy / "summary.json").write_text("{}")
    with pytest.raises(RunError, match="summary.json: damaged .*test_accuracy"):
        again(copy)
    (copy / "summary.json").unlink()
    (copy / "metrics.csv").write_text("epoch,val_accuracy\n0,much\n")
    with pytest.raises(RunError, match="metrics.csv: damaged .*much"):
        again(copy)
