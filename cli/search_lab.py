"""What all searches of one seed share: data, the space, and scores on disk."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from common import read_table, write_table
from gtn_tf import runs
from gtn_tf.cells import AnyGenotype
from gtn_tf.config import DataConfig, SpaceConfig
from gtn_tf.data import Splits
from gtn_tf.evaluation import expect_same_kind
from gtn_tf.runs.score_table import SECONDS, ScoreTable
from gtn_tf.search import (
    CellSpace,
    Observation,
    Proposer,
    Scorer,
    ScoringData,
    make_scorer,
    simulate,
)


class Scale(NamedTuple):
    """The sizes of all searches."""

    seeds: int
    data: str
    image_size: int  # 0: as stored
    augment: tuple[str, ...]  # of the trainings before a search, not of scores
    cells: int  # N
    filters: int  # F
    candidates: int  # cells that a search may score
    steps: int  # inner steps of a scoring
    images: int  # validation images of a score
    ranked: int  # cells ranked by weights that were trained before
    steps_per_epoch: int  # of all trainings below
    supernet: int  # steps
    ghn: int  # steps
    darts: int  # steps, first order
    second_order: int  # steps of DARTS, second order
    gdas: int  # steps
    enas: int  # steps
    pool: int  # steps of shared weights on a pool
    alpha_rate: float  # learning rate of alphas


SIZES = {
    "laptop": Scale(
        seeds=4,
        data="cifar10",
        image_size=16,
        augment=("shift", "mirror"),
        cells=1,
        filters=8,
        candidates=100,
        steps=128,
        images=1000,
        ranked=1000,
        steps_per_epoch=500,
        supernet=6000,
        ghn=3000,
        darts=1500,
        second_order=1000,
        gdas=3000,
        enas=6000,
        pool=6000,
        alpha_rate=0.003,
    ),
    "smoke": Scale(
        seeds=1,
        data="digits",
        image_size=0,
        augment=(),
        cells=1,
        filters=1,
        candidates=3,
        steps=2,
        images=16,
        ranked=11,
        steps_per_epoch=2,
        supernet=2,
        ghn=2,
        darts=2,
        second_order=2,
        gdas=2,
        enas=2,
        pool=4,
        alpha_rate=0.003,
    ),
}
NAS_BENCH_201 = SpaceConfig("nas_bench_201")


class Lab:
    """The data, the space and the scores of one seed; a context.

    A cell is scored once by each scorer, whichever search asks first, and its score and
    seconds are kept on disk.

    Args:
        scale: The sizes.
        seed: Of the data's split, of all scores and searches.
        scorer: Name of what scores the candidates of searches.
        teacher: Of the scorers that have one.
        data_dir: Folder with the data files.
        folder: Of scores and of trainings.
        report: Called with each line of progress.
        space: What is searched; its sizes are those of `scale`.
    """

    def __init__(
        self,
        scale: Scale,
        seed: int,
        scorer: str,
        teacher: str | None,
        data_dir: Path | None,
        folder: Path,
        report: Callable[[str], None],
        space: SpaceConfig = NAS_BENCH_201,
    ) -> None:
        self.scale = scale
        self.seed = seed
        self.scorer = scorer
        self.teacher = teacher
        self.data_dir = data_dir
        self.folder = folder
        self.report = report
        self.space_config = dataclasses.replace(
            space, cells=scale.cells, filters=scale.filters
        )
        self._stack = ExitStack()
        self._tables: dict[str, tuple[Scorer, ScoreTable]] = {}
        self._traced: set[str] = set()  # scorers whose first cell was scored

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    @functools.cached_property
    def splits(self) -> Splits:
        """The real data, split by the seed."""
        chosen = DataConfig(self.scale.data, image_size=self.scale.image_size)
        return runs.load_splits(chosen, self.data_dir, seed=self.seed)

    @functools.cached_property
    def space(self) -> CellSpace[Any]:
        """The space, for images of this size."""
        return runs.make_space(self.space_config, self.splits)

    @property
    def validation(self) -> tuple[Any, Any]:
        """Validation images and labels."""
        return self.splits.validation_images, self.splits.validation_labels

    def score(self, scorer: str, cell: AnyGenotype) -> tuple[float, float]:
        """A cell's score, NaN if it failed, and its seconds, without tracing.

        Args:
            scorer: A scorer's name.
            cell: The cell.
        """
        one, table = self._table(scorer)
        name = self.space.text(cell)
        if name not in table.rows and scorer not in self._traced:
            # Seconds with the tracing would be those of whichever search came first.
            table.add([cell])
            del table.rows[name]
            self._traced.add(scorer)
        table.add([cell])
        row = table.rows[name]
        return row[one.name], row[f"{SECONDS}{one.name}"]

    def _table(self, name: str) -> tuple[Scorer, ScoreTable]:
        if name not in self._tables:
            self._tables[name] = self._opened(name)
        return self._tables[name]

    def _opened(self, name: str) -> tuple[Scorer, ScoreTable]:
        scale, splits = self.scale, self.splits
        scorer = make_scorer(name, self.teacher, scale.steps, images=scale.images)
        if scorer.teacher is not None:
            expect_same_kind(splits, scorer.teacher)  # once, not for every cell
        file = self.folder / "scores" / f"{name}_{self.seed}.csv"
        rows = {row["genotype"]: row for row in read_table(file)}
        train = splits.train_images, splits.train_labels
        table = ScoreTable(
            rows,
            self.space,
            [scorer],
            ScoringData(train, self.validation),
            file,
            lambda: write_table([*rows.values()], file),
            self.seed,
            _report_failures(self.report),
        )
        return scorer, self._stack.enter_context(table)

    def simulate(
        self, proposer: Proposer, score: Callable[[AnyGenotype], float], candidates: int
    ) -> list[tuple[AnyGenotype, float]]:
        """Searches by a function of cells.

        Args:
            proposer: The search method.
            score: Of a cell; NaN is a failure.
            candidates: Cells that are scored.

        Returns:
            The cells and their scores, without failures.
        """
        space = self.space
        known = simulated(proposer, space, score, candidates, self.seed)
        return [
            (space.from_values(one.values), one.score)
            for one in known
            if one.score is not None
        ]


def simulated(
    proposer: Proposer,
    space: CellSpace[Any],
    score: Callable[[Any], float],
    candidates: int,
    seed: int,
) -> list[Observation]:
    """Runs `gtn_tf.search.simulate` with a function of cells.

    Args:
        proposer: The search method.
        space: The space.
        score: Of a cell; NaN is a failure.
        candidates: Cells that are scored.
        seed: Of the proposals.
    """
    return simulate(
        proposer,
        space.choices,
        lambda values: score(space.from_values(values)),
        candidates,
        seed,
    )


def _report_failures(report: Callable[[str], None]) -> Callable[[str], None]:
    """Reports why a score failed, and not each of a thousand scores."""

    def report_failure(line: str) -> None:
        if not line.startswith("1/1"):  # the position of a scored candidate
            report(line)

    return report_failure
