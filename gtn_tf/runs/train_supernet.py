"""The training of shared weights, for the scorer `supernet`."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import tensorflow as tf

from gtn_tf.atomic_file import write
from gtn_tf.build import build_sgd
from gtn_tf.config import SupernetConfig
from gtn_tf.data import Splits
from gtn_tf.evaluation import expect_same_kind
from gtn_tf.runs.architecture_pool import ArchitecturePool
from gtn_tf.runs.directory import RunDirectory
from gtn_tf.runs.job import GENOTYPE, Report, run_job
from gtn_tf.runs.random_architectures import (
    Examples,
    ValidationScores,
    drawn,
    fit,
    summary_of,
)
from gtn_tf.runs.space import make_space
from gtn_tf.runs.teacher_lessons import TeacherLessons
from gtn_tf.search import CellSpace
from gtn_tf.supernet import SGD, SharedFile, SharedWeights, SinglePath
from gtn_tf.supernet.shared_file import NAME
from gtn_tf.teaching import TrainedTeacher, load_teacher

POOL = "pool.txt"  # in a run directory

_CARD = """\
# Shared weights of {space} for {dataset}

{weights} weights for all architectures of {space} (N = {cells}, F = {filters}),
trained with gtn_tf in {steps} steps. {drawn} {images} Batch norms took the
statistics of the batch, and have to when these weights score.

| | mean of {tested} random architectures, on validation images |
|---|---|
| accuracy | {validation_accuracy:.2%} |
| loss | {validation_loss:.3f} |

- {seconds:.0f} s of training; seed {seed}; TensorFlow {tensorflow}, Python {python};
  {cores} x {processor}; {date}.
- The whole configuration is in `config.yaml`;
  `python -m gtn_tf.cli train-supernet --config config.yaml` runs it again.

```python
import gtn_tf

scorer = gtn_tf.search.SupernetScorer("this folder")
```

or `python -m gtn_tf.cli rank --scorer supernet --supernet THIS_FOLDER ...`.
"""
_UNIFORM = """\
In each, those of one random architecture were trained (RSPS, Li & Talwalkar 2019)."""
_OF_POOL = """\
In each, those of one architecture of a pool of {pool_size} were trained; the worst
{renewed} were replaced by proposals of NAO each {renew_every} epochs (NAONet-WS, Luo
et al. 2018)."""
_IMAGES = "The images are training images of {dataset}."
_LESSONS = """\
The images and labels are the lessons of the teacher {teacher}
({teacher_digest}), in random order; those below are real."""
_POOL_CARD = """
`pool.txt` has the pool at the end, the best first by its loss on validation images;
`genotype.txt` has the best:

    {genotype}

```sh
python -m gtn_tf.cli train-final --genotype THIS_FOLDER/genotype.txt
```
"""


def train_supernet(
    config: SupernetConfig,
    run_dir: Path,
    resume: bool = False,
    data_dir: Path | None = None,
    report: Report = print,
) -> dict[str, Any]:
    """Trains shared weights: in each step those of one architecture.

    It is drawn from the whole space, or from a pool that NAO renews; the images are
    training images, or a trained teacher's lessons.

    Killed at any moment and started again, it resumes after the last complete epoch and
    ends with the same weights, and the same pool, on the same processor.

    Args:
        config: The configuration.
        run_dir: Holds config.yaml, metrics.csv, checkpoints/, tensorboard/,
            shared_weights.npz, summary.json and README.md; with a pool, genotype.txt
            and pool.txt, too.
        resume: Whether an existing training goes on.
        data_dir: Folder with the data files.
        report: Called with each line of progress.

    Returns:
        The content of `summary.json`.

    Raises:
        RunError: If the directory cannot be used, or the run had another teacher.
        TeacherError: If there is no such teacher, or it does not fit the data.
        NonFiniteError: If the training diverges.
    """
    named = config.supernet.teacher
    teacher = load_teacher(named) if named else None

    def check(splits: Splits) -> None:
        if teacher is not None:
            expect_same_kind(splits, teacher)

    finish = functools.partial(_finish, teacher=teacher)
    product = _missing_product(config, RunDirectory(run_dir))
    given = config, run_dir, resume, data_dir, report
    return run_job(*given, product, finish, _outcome, check)


def _missing_product(config: SupernetConfig, run: RunDirectory) -> str:
    """The file that a finished run has lost, if any."""
    products = [NAME, GENOTYPE, POOL] if _has_pool(config) else [NAME]
    return next((one for one in products if not (run.path / one).exists()), NAME)


def _has_pool(config: SupernetConfig) -> bool:
    return config.supernet.architectures == "pool"


def _outcome(summary: dict[str, Any], run: RunDirectory) -> str:
    found = f"; found {summary['genotype']}" if "genotype" in summary else ""
    return (
        f"mean validation accuracy {summary['validation_accuracy']:.2%} of "
        f"{summary['tested']} random architectures{found}, {summary['seconds']:.0f} s. "
        f"Everything is in {run.path}"
    )


class _Training(SinglePath):
    """With what else a resumed run goes on with."""

    def __init__(
        self,
        shared: SharedWeights,
        sgd: SGD,
        seed: int,
        pool: ArchitecturePool | None,
        lessons: TeacherLessons | None,
    ) -> None:
        super().__init__(shared, sgd, seed)
        self.pool: tf.Variable | None = pool and pool.tokens
        self.teacher: tf.Variable | None = lessons and lessons.digest


def _finish(
    run: RunDirectory,
    config: SupernetConfig,
    splits: Splits,
    report: Report,
    teacher: TrainedTeacher | None,
) -> None:
    """Does what is left of a training; the summary comes last."""
    space, seed = make_space(config.space, splits), config.seed
    assert space.supernetwork is not None
    shared = SharedWeights(space.supernetwork)
    scores = ValidationScores(shared, config, splits)
    pool = (
        ArchitecturePool(space, config, scores, report) if _has_pool(config) else None
    )
    lessons = TeacherLessons(teacher, splits, seed) if teacher else None
    training = _Training(shared, build_sgd(config.training), seed, pool, lessons)

    def examples(done: int) -> Examples:
        given = training.weights, done
        codes = pool.drawn(*given) if pool else drawn(space, seed, done)
        return zip(codes, (lessons or splits).train_batches(done))

    fit(training, space, scores, examples, run, config, report)
    network = shared.network.settings
    SharedFile(training.weights.numpy(), network, splits.title).save(run.path / NAME)
    summary = summary_of(run, config, splits, shared.size - 1)
    if teacher:
        named = config.supernet.teacher
        summary = {**summary, "teacher": named, "teacher_digest": teacher.digest}
    if pool:
        summary["genotype"] = _write_pool(run, pool, training.weights, space, seed)
    write(run.model_card, _card(summary, config))
    write(run.summary, json.dumps(summary, indent=2) + "\n")


def _write_pool(
    run: RunDirectory,
    pool: ArchitecturePool,
    weights: tf.Variable,
    space: CellSpace[Any],
    seed: int,
) -> str:
    """Writes the pool and its best architecture, which is returned as text."""
    ranked = pool.ranked(weights)
    lines = [
        f"{space.text(one)}  # loss {score.loss:.4f}, accuracy {score.accuracy:.2%}"
        for one, score in ranked
    ]
    best = space.text(ranked[0].genotype)
    write(run.path / POOL, "\n".join(lines) + "\n")
    write(run.path / GENOTYPE, f"nao_pool_{seed} = {best}\n")
    return best


def _card(summary: dict[str, Any], config: SupernetConfig) -> str:
    """What was trained, how, and the results."""
    has_pool, has_teacher = _has_pool(config), "teacher" in summary
    card = _CARD.format(
        **summary,
        drawn=_OF_POOL.format(**vars(config.supernet)) if has_pool else _UNIFORM,
        images=(_LESSONS if has_teacher else _IMAGES).format(**summary),
    )
    return card + _POOL_CARD.format(**summary) if has_pool else card
