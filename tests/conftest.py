"""What several test files need."""

from __future__ import annotations

import gc
import importlib
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib.image
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

import gtn_tf
from gtn_tf.runs import checkpoints
from gtn_tf.teachers import Teacher

# Two devices, so that `tf.distribute` has something to distribute to.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)


# Files whose tests take longest begin first, so that none is left alone at the end.
_SLOWEST = (
    *("test_supernet", "test_train_final", "test_recipes", "test_distributed"),
    *("test_counts", "test_search", "test_runs", "test_unrolls", "test_cli"),
    *("test_scorers", "test_gtn", "test_experiments", "test_genotype"),
    "test_docstrings",
)


def pytest_collection_modifyitems(items):
    def place(item):
        name = item.path.stem
        return _SLOWEST.index(name) if name in _SLOWEST else len(_SLOWEST)

    items.sort(key=place)


def pytest_collection_finish():
    """Spares collections of garbage what is imported by now: a tenth of all time.

    TensorFlow's tracing makes many objects that stay: fewer collections are enough.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def slow_after(count, values):
    """Cases of a test, of which all but the first few are slow."""
    rest = values[count:]
    return [*values[:count], *(pytest.param(x, marks=pytest.mark.slow) for x in rest)]


@pytest.fixture(autouse=True)
def seeded():
    """The same first weights, whichever tests ran before."""
    tf.keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True, scope="module")
def freed():
    """Frees what a file has traced; all files together would fill the memory.

    TensorFlow registers each custom gradient for ever, with the whole graph behind it.
    """
    registered = ops.gradient_registry._registry
    before = set(registered)
    yield
    for name in set(registered) - before:
        del registered[name]
    tf.keras.backend.clear_session()
    gc.collect()


@pytest.fixture(scope="session")
def two_replicas():
    """A strategy of two devices, one for the whole process.

    TensorFlow numbers the sums over devices anew in each strategy, but keeps them for
    the process: the second strategy of other shapes fails ("Shape mismatch in the
    collective instance").
    """
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture
def double_precision():
    """Lets Keras make float64 weights, so that finite differences are sharp."""
    tf.keras.backend.set_floatx("float64")
    yield
    tf.keras.backend.set_floatx("float32")


@pytest.fixture
def first_stack(monkeypatch):
    """Makes this the TensorFlow of runs that do not say which theirs was."""
    monkeypatch.setattr(checkpoints, "_FIRST_TENSORFLOW", checkpoints._TENSORFLOW)


@pytest.fixture
def benchmark_modules(monkeypatch):
    """Lets the benchmark's modules be imported, as they import each other."""
    folder = Path(__file__).resolve().parent.parent / "benchmarks"
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if folder in Path(file).parents:
            del sys.modules[name]


@pytest.fixture
def module(monkeypatch):
    """Imports one of cli/."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parent.parent / "cli"))
    return importlib.import_module


@pytest.fixture
def recipe(module, monkeypatch):
    """Runs a recipe of cli/ with a command line, in this process."""

    def run(name: str, *words: object) -> None:
        monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
        module(name).main()

    return run


@pytest.fixture
def tiny_gtn():
    """Makes the smallest GTN that has all parts; its arguments replace the parts."""

    def make(
        teacher: Teacher | None = None,
        learners: gtn_tf.learners.Learners | None = None,
        learning_rate: float = 0.1,
        optimizer: object = None,
        inner_optimizer: object = None,
        **kwargs: object,
    ) -> gtn_tf.GTN:
        tf.keras.utils.set_random_seed(0)
        teacher = teacher or full_curriculum()
        sgd = gtn_tf.LearnedSGD(learning_rate, 0.5, teacher.steps)
        gtn = gtn_tf.GTN(
            teacher,
            learners or gtn_tf.learners.ConvLearners(filters=[3], units=[]),
            inner_optimizer or sgd,
            **kwargs,
        )
        gtn.compile(optimizer or tf.keras.optimizers.Adam(0.01))
        return gtn

    return make


def kill_when_written(command: Sequence[object], file: Path) -> None:
    """Runs a command, and kills it (-9) when it has written a file."""
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL)
    ends = time.monotonic() + 600
    try:
        while not file.exists():
            goes_on = process.poll() is None and time.monotonic() < ends
            assert goes_on, f"expected {file} of {command}"
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()


def expect_drawn(path):
    """Expects ink inside the frame of a picture file: an eighth from its edges."""
    picture = matplotlib.image.imread(path)[..., :3]
    height, width = (size // 8 for size in picture.shape[:2])
    middle = picture[height:-height, width:-width].astype(float) / picture.max()
    assert (middle.min(axis=-1) < 0.9).mean() > 0.001, f"{path}: nothing is drawn"


def addons():
    """TensorFlow Addons, or a skipped test where there is none (Python 3.12)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*TensorFlow Addons \(TFA\)")
        return pytest.importorskip("tensorflow_addons")


def tiny_generator(**kwargs: object) -> gtn_tf.Generator:
    """A generator of 4x4 images of 3 classes."""
    settings = {"latent_size": 2, "units": 4, "filters": 2, **kwargs}
    return gtn_tf.Generator((4, 4, 1), 3, **settings)


def full_curriculum(steps: int = 3, batch_size: int = 4) -> Teacher:
    """Three steps of four images."""
    return gtn_tf.teachers.FullCurriculum(tiny_generator(), steps, batch_size)


def real_batches(count: int = 5, seed: int = 0) -> tf.data.Dataset:
    """Endless batches of what stands for 4x4 real images of 3 classes."""
    rng = np.random.default_rng(seed)
    images = rng.normal(size=[count * 5, 4, 4, 1]).astype(np.float32)
    labels = rng.integers(0, 3, size=count * 5).astype(np.int32)
    return tf.data.Dataset.from_tensor_slices((images, labels)).repeat().batch(5)
