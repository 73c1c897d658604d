"""Each name of a configuration stands in one list, and is something that builds."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gtn_tf
from gtn_tf import names
from gtn_tf.cells import OPS
from gtn_tf.cells.blocks import TrainingBlocks
from gtn_tf.cells.counts import KINDS
from gtn_tf.cells.layouts import Layout
from gtn_tf.config import SearchConfig, load_config
from gtn_tf.data.catalog import find_entry
from gtn_tf.errors import ArgumentError
from gtn_tf.ghn import GHNFile
from gtn_tf.inner import LearnedSGD
from gtn_tf.learners import ConvLearners, MLPLearners, named_learner
from gtn_tf.search import Proposer, Scorer, make_scorer
from gtn_tf.supernet import SharedFile

REGISTRIES = {
    key: value
    for key, value in vars(names).items()
    if isinstance(value, names.Registry)
}
LISTS = {key: value for key, value in vars(names).items() if isinstance(value, tuple)}
SHAPE = (8, 8, 1)


@pytest.mark.parametrize(
    "registry, name", [(r, n) for r in REGISTRIES for n in REGISTRIES[r]]
)
def test_every_name_loads(registry: str, name: str) -> None:
    assert REGISTRIES[registry].load(name) is not None


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(ArgumentError) as caught:
        names.TEACHERS.load("no_curiculum")
    assert str(caught.value).startswith("teacher: expected one of no_curriculum, all_")
    assert str(caught.value).endswith("'no_curiculum'; did you mean no_curriculum?")


@pytest.mark.parametrize("name", names.DATASETS)
def test_data_sets_are_called_so(name: str) -> None:
    assert find_entry(name).name == name


@pytest.mark.parametrize("name", names.FAMILIES)
def test_every_family_builds(name: str) -> None:
    from gtn_tf.build import build_gtn

    small = ["teacher.steps=2", "teacher.batch_size=10", "meta.intermediate_every=0"]
    config = load_config("digits", [*small, f"learners.family={name}"])
    gtn = build_gtn(config, gtn_tf.data.load("digits"))
    assert type(gtn.learners) is names.FAMILIES.load(name)
    assert len(gtn.pool) == config.learners.architectures


@pytest.mark.parametrize("name", names.LEARNERS)
def test_every_learner_builds(name: str) -> None:
    assert named_learner(name, SHAPE, 3).output_shape == (None, 3)


@pytest.mark.parametrize("name", names.SPACES)
def test_every_space_is_searched(name: str) -> None:
    from gtn_tf.runs.space import make_space

    config = load_config("search_digits", [f"space.name={name}"], SearchConfig)
    space = make_space(config.space, gtn_tf.data.load("digits"))
    genotype = space.parse(EXAMPLES[name])
    assert type(genotype) is names.SPACES.load(name).genotype


EXAMPLES = {
    "nao": " ".join(["0 6 1 5"] * 10),
    "nas_bench_201": "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
}


@pytest.mark.parametrize("name", names.SCORERS)
def test_every_scorer_builds(name: str, tmp_path) -> None:
    network = {"image_shape": [8, 8, 1], "num_classes": 10}
    weights = SharedFile(np.zeros([1], np.float32), network, "digits")
    weights.save(tmp_path / "shared_weights.npz")
    settings = {"state": 1, "hidden": 1, "passes": 1}
    hypernetwork = GHNFile(weights.weights, network, settings, "digits")
    hypernetwork.save(tmp_path / "ghn.npz")
    teacher = gtn_tf.load_teacher("digits")
    scorer = make_scorer(name, teacher, steps=3, supernet=tmp_path, ghn=tmp_path)
    assert isinstance(scorer, Scorer) and scorer.name.startswith(name)


@pytest.mark.parametrize("name", names.PROPOSERS)
def test_every_proposer_builds(name: str) -> None:
    words = [f"search.proposer={name}", "ranking.candidates=100"]
    config = load_config("search_digits", words, SearchConfig)
    proposer = names.PROPOSERS.load(config.search.proposer)()
    assert isinstance(proposer, Proposer)
    # The defaults of the configuration are those of the class.
    settings = config.search.settings
    assert {name: getattr(proposer, name) for name in settings} == settings


def test_layouts_and_blocks_are_such() -> None:
    assert all(isinstance(names.LAYOUTS.load(n), Layout) for n in names.LAYOUTS)
    assert all(isinstance(names.BLOCKS.load(n), TrainingBlocks) for n in names.BLOCKS)
    assert set(KINDS) == set(names.BLOCKS)


def test_every_value_is_accepted_where_it_decides() -> None:
    for norm in names.NORMS:
        MLPLearners(units=[2], batch_norm=norm).build(SHAPE, 3)
    for downsample in names.DOWNSAMPLE:
        ConvLearners([2, 2], [], downsample=downsample).build(SHAPE, 3)
    for rates in names.RATES:
        LearnedSGD(0.1, 0.5, steps=2, rates=rates)
    assert set(names.OPS) == set(OPS)


def _texts(node: ast.AST) -> tuple[str, ...]:
    """The texts of a list, a tuple or a set, or a dictionary's keys."""
    entries = getattr(node, "keys" if isinstance(node, ast.Dict) else "elts", [])
    return tuple(sorted({str(getattr(entry, "value", "")) for entry in entries}))


# What a name stands for is written where it is looked up, in these modules. The tests
# above hold the two together.
ELSEWHERE = {
    ("cells", "BLOCKS"),
    ("cells", "OPS"),
    ("config", "OPTIMIZERS"),
    ("search", "BLOCKS"),
}


def test_no_second_list() -> None:
    known = {tuple(sorted(v)): key for key, v in {**REGISTRIES, **LISTS}.items()}
    package = Path(gtn_tf.__file__).parent
    found = {
        (file.relative_to(package).parts[0], known[_texts(node)])
        for file in package.rglob("*.py")
        if file.name != "names.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Dict, ast.List, ast.Set, ast.Tuple))
        and _texts(node) in known
    }
    assert found <= ELSEWHERE


def test_names_come_without_tensorflow() -> None:
    program = "import sys, gtn_tf.names; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
