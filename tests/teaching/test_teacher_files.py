"""Teachers from files: whole ones, damaged ones, foreign ones and hostile ones."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import tensorflow as tf

import gtn_tf
from conftest import real_batches
from gtn_tf.teaching import TeacherError, load_teacher
from gtn_tf.teaching.description import describe
from gtn_tf.teaching.export import export
from tiny_teacher import make_teacher

ACCURACY = {"mean": 0.9, "std": 0.01}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A trained teacher's SavedModel, and its lessons."""
    tf.keras.utils.set_random_seed(0)
    generator = gtn_tf.Generator((4, 4, 1), 3, latent_size=2, units=4, filters=2)
    gtn = gtn_tf.GTN(
        gtn_tf.teachers.FullCurriculum(generator, steps=3, batch_size=4),
        gtn_tf.learners.ConvLearners(filters=[3], units=[]),
        gtn_tf.LearnedSGD(0.1, 0.5, steps=3),
    )
    gtn.compile(tf.keras.optimizers.Adam(0.01))
    gtn.fit(real_batches(), steps_per_epoch=1, verbose=0)
    path = tmp_path_factory.mktemp("run") / "export" / "1"
    gtn.export(path, accuracy=ACCURACY)
    return path, gtn


@pytest.fixture
def copy(saved, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(saved[0], tmp_path / "copy" / "1")


@pytest.mark.parametrize("up", [0, 1, 2])
def test_a_saved_model_its_versions_and_its_run(saved, up):
    path, gtn = saved
    teacher = load_teacher([path, path.parent, path.parent.parent][up])
    images, labels = gtn.teacher.batches(tf.constant([0, 0]))
    np.testing.assert_allclose(teacher.images, images, atol=1e-5)
    np.testing.assert_array_equal(teacher.labels, labels)
    rates, momenta = gtn.inner_optimizer.hyperparameters().values()
    np.testing.assert_allclose(teacher.learning_rates, rates)
    np.testing.assert_allclose(teacher.momenta, momenta)
    about = teacher.description
    assert about["accuracy"] == ACCURACY and about["class_names"] == ["0", "1", "2"]
    assert about["learners"]["kind"] == "ConvLearners"
    assert about["learning_rates"] == pytest.approx(rates.numpy().tolist())
    assert about["versions"]["tensorflow"] == tf.__version__
    made = teacher.generate([2, 0], seed=7)
    assert made.shape == (2, 4, 4, 1)
    np.testing.assert_allclose(made[:1], teacher.generate([2], seed=7), atol=1e-6)


def test_the_newest_version(saved, tmp_path):
    for version in ("2", "10"):
        shutil.copytree(saved[0], tmp_path / version)
    assert load_teacher(tmp_path).source.endswith("10")


def test_npz_holds_the_same_for_everyone(saved, tmp_path):
    teacher = load_teacher(saved[0])
    file = tmp_path / "new" / "teacher.npz"
    teacher.save_npz(file)
    with np.load(file) as npz:  # no pickle: NumPy's default
        assert npz["images"].shape == (3, 4, 4, 4, 1)
        assert json.loads(str(npz["description"])) == teacher.description
    again = load_teacher(file)
    for name in ("images", "labels", "learning_rates", "momenta"):
        np.testing.assert_array_equal(getattr(again, name), getattr(teacher, name))
    assert os.listdir(file.parent) == ["teacher.npz"]


SOFT = np.random.default_rng(0).dirichlet([1, 1, 1], [6, 5]).astype(np.float32)


def test_soft_labels_are_kept_in_an_npz_file(tmp_path):
    teacher = make_teacher(labels=SOFT)
    teacher.save_npz(tmp_path / "soft.npz")
    again = load_teacher(tmp_path / "soft.npz")
    np.testing.assert_array_equal(again.labels, SOFT)
    np.testing.assert_array_equal(again.classes, SOFT.argmax(axis=-1))


@pytest.mark.parametrize(
    "labels, problem",
    [
        (2 * SOFT, "labels from 0 to 1, received"),
        (0.5 * SOFT, "probabilities that sum to 1"),
        (-SOFT, "labels from 0 to 1, received -"),
        (SOFT[..., :2], r"labels to be floating \[6, 5, 3\]"),
        (SOFT.argmax(axis=-1)[..., np.newaxis].repeat(3, axis=-1), "to be floating"),
        (SOFT[..., 0], r"labels to be integer \[6, 5\]"),
    ],
)
def test_labels_that_are_no_probabilities(labels, problem):
    with pytest.raises(TeacherError, match=problem):
        make_teacher(labels=labels)


@pytest.mark.parametrize("labels", [[3], [-1], [0.5], [[0]]])
def test_labels_out_of_range(saved, labels):
    with pytest.raises(TeacherError, match="labels: expected a list of integers"):
        load_teacher(saved[0]).generate(labels)


@pytest.mark.parametrize(
    "source, problem",
    [("mnits", "did you mean mnist"), ("no/such/folder", "expected a path, or one of")],
)
def test_no_such_teacher(source, problem):
    with pytest.raises(TeacherError, match=problem):
        load_teacher(source)


def expect_refused(path, problem):
    with pytest.raises(TeacherError, match=problem) as caught:
        load_teacher(path)
    assert "\n" not in str(caught.value)


def test_damaged_saved_models(copy, tmp_path):
    """Without the arrays, as they were written before."""
    expect_refused(tmp_path, "found no saved_model.pb")
    shutil.rmtree(copy / "assets.extra")
    assert load_teacher(copy).steps == 3
    (graph,) = copy.glob("saved_model.pb")
    whole = graph.read_bytes()
    graph.write_bytes(whole[: len(whole) // 2])
    expect_refused(copy, "expected a whole SavedModel")
    graph.write_bytes(b"")
    expect_refused(copy, "expected a SavedModel of TensorFlow 2")
    graph.write_bytes(whole)
    (data,) = (copy / "variables").glob("*.data-*")
    data.write_bytes(data.read_bytes()[:100])
    expect_refused(copy, "expected a whole SavedModel")


def test_a_damaged_graph_beside_its_lessons(copy):
    """The lessons are whole; new images there are none."""
    (copy / "saved_model.pb").write_bytes(b"damaged")
    teacher = load_teacher(copy)
    assert teacher.images.shape == (3, 4, 4, 4, 1)
    with pytest.raises(TeacherError, match="expected a whole SavedModel"):
        teacher.generate([0])
    inside = copy / "assets.extra" / "teacher.npz"
    inside.write_bytes(inside.read_bytes()[:-50])
    expect_refused(copy, "expected a whole npz file")


def test_the_lessons_beside_the_graph_are_those_of_the_graph(saved, copy):
    shutil.rmtree(copy / "assets.extra")
    beside, inside = load_teacher(saved[0]), load_teacher(copy)
    assert beside.description == inside.description
    served = tf.saved_model.load(str(copy)).signatures
    for step in range(beside.steps):
        lesson = served["curriculum"](step=tf.constant(step))
        for teacher in (beside, inside):
            np.testing.assert_array_equal(teacher.images[step], lesson["images"])
            np.testing.assert_array_equal(teacher.labels[step], lesson["labels"])
            assert teacher.learning_rates[step] == lesson["learning_rate"]
            assert teacher.momenta[step] == lesson["momentum"]
    asked = {"labels": tf.constant([2, 0]), "seed": tf.constant([0, 7])}
    np.testing.assert_array_equal(
        beside.generate([2, 0], seed=7), served["serving_default"](**asked)["images"]
    )


@pytest.mark.parametrize("arrays", [True, False])
def test_a_pickled_teacher_teaches_and_generates_the_same(copy, monkeypatch, arrays):
    if not arrays:
        shutil.rmtree(copy / "assets.extra")
    monkeypatch.chdir(copy.parent)
    teacher = load_teacher("1")
    made = teacher.generate([2, 0, 1], seed=3)
    content = pickle.dumps(teacher)
    monkeypatch.chdir("/")  # also where a relative path leads elsewhere
    again = pickle.loads(content)
    np.testing.assert_array_equal(again.images, teacher.images)
    np.testing.assert_array_equal(again.generate([2, 0, 1], seed=3), made)
    assert len(content) < teacher.images.nbytes + 10_000  # not the graph


@pytest.mark.parametrize(
    "teacher",
    [
        lambda make: gtn_tf.teachers.FullCurriculum(make(), steps=2, batch_size=3),
        lambda make: gtn_tf.teachers.FullCurriculum(
            make(image_shape=(10, 14, 3), weight_norm=False), steps=2, batch_size=3
        ),
        lambda make: gtn_tf.teachers.AllShuffled(make(), steps=2, batch_size=3),
        lambda make: gtn_tf.teachers.ShuffledBatch(make(), steps=2, batch_size=3),
        lambda make: gtn_tf.teachers.NoCurriculum(make(), steps=2, batch_size=3),
        lambda make: gtn_tf.teachers.GeneratorAndPixels(make(), 2, 3, soft_labels=2.0),
        lambda make: gtn_tf.teachers.DatasetDistillation(
            (4, 4, 1), 3, 2, 3, soft_labels=2.0
        ),
    ],
)
def test_every_teacher_of_ours_is_allowed(teacher, tmp_path):
    def generator(image_shape=(4, 4, 1), **kwargs):
        sizes = {"latent_size": 2, "units": 4, "filters": 2}
        return gtn_tf.Generator(image_shape, 3, **sizes, **kwargs)

    teacher = teacher(generator)
    rates = gtn_tf.LearnedSGD(steps=2)
    export(teacher, rates, describe(teacher, rates), tmp_path / "1")
    beside = load_teacher(tmp_path / "1")
    shutil.rmtree(tmp_path / "1" / "assets.extra")
    inside = load_teacher(tmp_path / "1")
    np.testing.assert_array_equal(beside.images, inside.images)
    np.testing.assert_array_equal(beside.labels, inside.labels)
    assert beside.labels.ndim == 2 + (teacher.soft_labels > 0)
    made = inside.generate([2, 0], seed=5)
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"]
    asked = {"labels": tf.constant([2, 0]), "seed": tf.constant([0, 5])}
    np.testing.assert_array_equal(made, served(**asked)["images"])


def test_foreign_saved_models(tmp_path):
    module = tf.Module()
    module.double = tf.function(
        lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([], tf.float32)]
    )
    tf.saved_model.save(module, str(tmp_path), {"serving_default": module.double})
    expect_refused(tmp_path, "signatures curriculum, describe, serving_default, found")


def save_teacher_like(path, describe, curriculum=None):
    """A SavedModel with a teacher's signatures and whatever behind them."""

    def lesson(step):
        return {
            "images": tf.zeros([4, 4, 4, 1]),
            "labels": tf.zeros([4], tf.int32),
            "learning_rate": tf.constant(0.1),
            "momentum": tf.constant(0.1),
        }

    step = [tf.TensorSpec([], tf.int32, "step")]
    labels = [tf.TensorSpec([None], tf.int32, "labels")]
    tf.saved_model.save(
        tf.Module(),
        str(path),
        {
            "describe": tf.function(
                describe, input_signature=[]
            ).get_concrete_function(),
            "curriculum": tf.function(curriculum or lesson, input_signature=step),
            "serving_default": tf.function(
                lambda labels: {"images": labels}, input_signature=labels
            ),
        },
    )


GOOD = {
    "image_shape": [4, 4, 1],
    "class_names": ["a"],
    "steps": 1,
    "batch_size": 4,
    "normalization": None,
    "accuracy": None,
}


@pytest.mark.parametrize(
    "text, problem",
    [
        ("{", "description in JSON"),
        ("[1]", "received a list"),
        (
            json.dumps({**GOOD, "image_shape": [4, 4]}),
            "expected image_shape to be three",
        ),
        (json.dumps({**GOOD, "steps": 0}), "expected steps to be"),
        (json.dumps({**GOOD, "class_names": []}), "expected class_names to be"),
        (
            json.dumps({**GOOD, "normalization": {"mean": [0], "std": [0]}}),
            "expected normalization to be",
        ),
        (
            json.dumps({**GOOD, "normalization": {"mean": [0, 0], "std": [1, 1]}}),
            "for each of 1 channels",
        ),
        (json.dumps({**GOOD, "batch_size": 5}), r"expected images to be .*\[1, 5"),
    ],
)
def test_bad_descriptions(tmp_path, text, problem):
    save_teacher_like(tmp_path, lambda: {"description": tf.constant(text)})
    expect_refused(tmp_path, problem)


def test_a_good_one_made_by_hand(tmp_path):
    save_teacher_like(tmp_path, lambda: {"description": tf.constant(json.dumps(GOOD))})
    assert load_teacher(tmp_path).steps == 1


def hostile_graphs(target):
    def write():
        tf.io.write_file(str(target), "owned")
        return {"description": tf.constant(json.dumps(GOOD))}

    def read():
        return {"description": tf.io.read_file("/etc/hostname")}

    def python():
        tf.py_function(lambda: target.write_text("owned"), [], [])
        return {"description": tf.constant(json.dumps(GOOD))}

    def save():
        tf.raw_ops.SaveV2(
            prefix=str(target), tensor_names=["a"], shape_and_slices=[""], tensors=[1]
        )
        return {"description": tf.constant(json.dumps(GOOD))}

    inner = tf.function(write)

    def nested():
        return tf.cond(tf.random.uniform([]) < 2, inner, inner)

    return {
        "WriteFile": write,
        "ReadFile": read,
        "EagerPyFunc": python,
        "SaveV2": save,
        "RandomUniform|WriteFile": nested,
    }


@pytest.mark.parametrize(
    "name",
    ["WriteFile", "ReadFile", "EagerPyFunc", "SaveV2", "RandomUniform|WriteFile"],
)
def test_a_graph_that_would_touch_files_is_not_run(tmp_path, name):
    target = tmp_path / "target"
    save_teacher_like(tmp_path / "model", hostile_graphs(target)[name])
    expect_refused(tmp_path / "model", f"operation ({name}); nothing of it was run")
    assert not [*tmp_path.glob("target*")]


def test_only_one_graph_file(copy):
    (copy / "saved_model.cpb").write_bytes(b"")
    expect_refused(copy, "expected saved_model.pb alone")


class Owned:
    """A pickle that writes a file when it is read."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


def test_hostile_npz(saved, tmp_path):
    target, file = tmp_path / "target", tmp_path / "teacher.npz"
    teacher = load_teacher(saved[0])
    good = {
        "images": teacher.images,
        "labels": teacher.labels,
        "learning_rates": teacher.learning_rates,
        "momenta": teacher.momenta,
        "description": np.array(json.dumps(teacher.description)),
    }
    for key in good:
        np.savez(file, **{**good, key: np.array([Owned(target)], object)})
        expect_refused(file, "npz file without pickles")
    file.write_bytes(pickle.dumps(Owned(target)))
    expect_refused(file, "npz file without pickles")
    # A header is a Python literal: it is parsed, not run.
    with zipfile.ZipFile(file, "w") as archive:
        header = b"{'descr': open('target','w'), 'shape': (1,), 'fortran_order': False}"
        start = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
        archive.writestr("images.npy", start + header)
    expect_refused(file, "npz file without pickles")
    assert not target.exists()


@pytest.mark.parametrize(
    "change, problem",
    [
        ({"labels": None}, "expected a teacher's arrays"),
        ({"description": "{"}, "expected a description in JSON"),
        ({"description": "3"}, "received a int"),
        ({"labels": np.full([3, 4], 3)}, "expected labels from 0 to 2, received 3"),
        ({"labels": np.zeros([3, 4])}, "expected labels to be integer"),
        ({"momenta": np.full([3], np.nan)}, "expected finite momenta"),
        ({"images": np.zeros([3, 4, 5, 4, 1])}, "expected images to be floating"),
    ],
)
def test_npz_with_wrong_content(saved, tmp_path, change, problem):
    teacher, file = load_teacher(saved[0]), tmp_path / "teacher.npz"
    teacher.save_npz(file)
    with np.load(file) as npz:
        arrays = {**npz, **{k: v for k, v in change.items() if v is not None}}
    for key in [key for key, value in change.items() if value is None]:
        del arrays[key]
    np.savez(file, **arrays)
    expect_refused(file, problem)


def test_truncated_npz(saved, tmp_path):
    file = tmp_path / "teacher.npz"
    load_teacher(saved[0]).save_npz(file)
    file.write_bytes(file.read_bytes()[:-50])
    expect_refused(file, "expected a whole npz file")


_ALONE = """
import json, sys
for name in ("gtn_tf", "tensorflow_addons", "keras_tuner"):
    sys.modules[name] = None  # an import of it fails
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
ask = model.signatures["serving_default"]
answers = [
    ask(**{"labels": tf.constant(labels), "seed": tf.constant([0, 1])})
    for labels in ([0], [0, 1, 2, 2, 1])
]
text = model.signatures["describe"]()["description"].numpy()
inputs = ask.structured_input_signature[1]
print(json.dumps({
    "sizes": [len(answer["images"]) for answer in answers],
    "keys": sorted(answers[0]),
    "inputs": {k: v.shape.as_list() for k, v in inputs.items()},
    "steps": json.loads(text)["steps"],
}))
"""


def test_served_without_gtn_tf(saved):
    """As TensorFlow Serving asks: dict in, dict out, any number, versioned folder."""
    path, _ = saved
    assert path.name == "1"
    output = subprocess.check_output(
        [sys.executable, "-c", _ALONE, str(path)], text=True, cwd=path
    )
    assert json.loads(output.splitlines()[-1]) == {
        "sizes": [1, 5],
        "keys": ["images", "labels"],
        "inputs": {"labels": [None], "seed": [2]},
        "steps": 3,
    }


def test_saved_model_cli(saved):
    shown = subprocess.run(
        [
            sys.executable,
            "-m",
            "tensorflow.python.tools.saved_model_cli",
            "show",
            "--all",
            "--dir",
            str(saved[0]),
        ],
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stderr
    for signature in ("curriculum", "serving_default", "describe"):
        assert f"signature_def['{signature}']" in shown.stdout


def test_copies(saved, tmp_path):
    teacher = load_teacher(saved[0])
    teacher.copy_saved_model(tmp_path / "served" / "1")
    assert (tmp_path / "served" / "1" / "assets.extra" / "teacher.npz").is_file()
    assert load_teacher(tmp_path / "served").steps == 3
    with pytest.raises(TeacherError, match="expected a new folder"):
        teacher.copy_saved_model(tmp_path / "served" / "1")
    teacher.save_npz(tmp_path / "t.npz")
    with pytest.raises(TeacherError, match="expected a SavedModel to copy"):
        load_teacher(tmp_path / "t.npz").copy_saved_model(tmp_path / "other")


def npz_of(path, **changes):
    """A teacher's npz file of what another one claims."""
    about = changes.pop("description", {})
    if isinstance(about, dict):
        about = np.array(json.dumps({**GOOD, "steps": 2, **about}))
    arrays = {
        "images": np.zeros([2, 4, 4, 4, 1], np.float32),
        "labels": np.zeros([2, 4], np.int32),
        "learning_rates": np.full([2], 0.1, np.float32),
        "momenta": np.full([2], 0.5, np.float32),
        "description": about,
    }
    np.savez_compressed(path, **{**arrays, **changes})
    return path


def test_an_npz_made_by_hand(tmp_path):
    assert load_teacher(npz_of(tmp_path / "teacher.npz")).steps == 2


@pytest.mark.parametrize(
    "changes, problem",
    [
        ({"images": np.zeros([10**7], np.float32)}, "images: expected at most"),
        ({"labels": np.zeros([10**7], np.int32)}, "labels: expected at most"),
        ({"momenta": np.zeros([10**7], np.float32)}, "momenta: expected at most"),
        ({"description": {"steps": 10**8}}, "expected lessons of at most"),
        ({"description": {"batch_size": 2**40}}, "expected batch_size to be"),
        ({"description": {"steps": True}}, "expected steps to be"),
        ({"description": {"image_shape": [2**20, 2**20, 3]}}, "lessons of at most"),
        ({"description": {"class_names": ["\x1b[2J"]}}, "expected class_names to be"),
        ({"description": {"class_names": ["a" * 101]}}, "expected class_names to be"),
        (
            {"description": {"deep": json.loads("[" * 50 + "]" * 50)}},
            "at most 20 levels",
        ),
        ({"description": np.array("[" * 10**5 + "]" * 10**5)}, "description in JSON"),
        ({"description": np.array(["{}", "{}"])}, "description in JSON, received"),
        ({"description": np.array(" " * (2**20 + 1))}, "at most"),
        ({"description": np.array(3)}, "description in JSON, received"),
        ({"learning_rates": np.full([2], -0.1, np.float32)}, "learning_rates from 0"),
        ({"learning_rates": np.full([2], 1e9, np.float32)}, "learning_rates from 0"),
        ({"momenta": np.full([2], -1, np.float32)}, "momenta from 0"),
        ({"momenta": np.full([2], np.inf, np.float32)}, "momenta from 0"),
        ({"images": np.full([2, 4, 4, 4, 1], 1e30)}, "images from -1e"),
        ({"description": {"learning_rates": [-1]}}, "expected learning_rates to be"),
        ({"description": {"momenta": "fast"}}, "expected momenta to be"),
    ],
)
def test_an_npz_that_asks_for_too_much(tmp_path, changes, problem):
    expect_refused(npz_of(tmp_path / "teacher.npz", **changes), problem)


RMSPROP = {"name": "rmsprop", "epsilon": 1e-5}


@pytest.mark.parametrize(
    "about, changes, problem",
    [
        (RMSPROP, {}, "arrays images, labels, learning_rates, rhos, description"),
        (RMSPROP, {"rhos": np.full([2], 1.5, np.float32)}, "rhos from 0 to 1"),
        (RMSPROP, {"rhos": np.full([3], 0.5, np.float32)}, "expected rhos to be"),
        ({"name": "lion"}, {}, "inner_optimizer to be an object with one of the na"),
        ({"name": ["sgd"]}, {}, "inner_optimizer to be an object"),
        ({"name": "rmsprop"}, {}, "inner_optimizer to be an object"),
        ({"name": "rmsprop", "epsilon": 0}, {}, "inner_optimizer to be an object"),
        ({"name": "sgd", "epsilon": 1e-5}, {}, "inner_optimizer to be an object"),
        ("sgd", {}, "inner_optimizer to be an object"),
    ],
)
def test_an_npz_of_an_unusable_optimizer(tmp_path, about, changes, problem):
    description = {"inner_optimizer": about}
    file = npz_of(tmp_path / "teacher.npz", description=description, **changes)
    expect_refused(file, problem)


@pytest.mark.parametrize("key", ["mean", "std"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e7, "1", None, True])
def test_an_absurd_normalisation(tmp_path, key, value):
    scale = {"mean": [0.5], "std": [0.5], key: [value]}
    file = npz_of(tmp_path / "teacher.npz", description={"normalization": scale})
    expect_refused(file, "expected normalization to be")


def test_a_huge_value_is_cut_in_the_message(tmp_path):
    file = npz_of(tmp_path / "teacher.npz", description={"steps": "x" * 10**5})
    expect_refused(file, "expected steps to be .*xxx")
    with pytest.raises(TeacherError) as caught:
        load_teacher(file)
    assert len(str(caught.value)) < len(str(file)) + 500
