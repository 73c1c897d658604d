"""Loss curves of short trainings of cells, and the CPU seconds that they take."""

from __future__ import annotations

import time
from typing import Any

import tensorflow as tf

from gtn_tf.search import Candidate, ScoreError, Scorer, ScoringData
from gtn_tf.search.identity import settings_of
from gtn_tf.search.scorers import TrainingScorer
from gtn_tf.search.scorers.on_supernetwork import as_input
from gtn_tf.search.scorers.traced_training import Batches, TracedTraining
from gtn_tf.supernet import SuperNetwork

CPU = "cpu_"  # prefix of a scorer's name
TRACED = "traced_"  # prefix: 1 if these seconds have the tracing, which all share


class Course:
    """What cells are trained with: batches of one scorer, rates of the same or another.

    Everything that cells share is made once: the trace, and the batches.

    Args:
        lessons: Gives the batches.
        rates: Gives the optimizer; `lessons` by default.
    """

    def __init__(
        self, lessons: TrainingScorer, rates: TrainingScorer | None = None
    ) -> None:
        self.lessons = lessons
        self._rates = rates or lessons
        self._batches: dict[int, tuple[Batches, tf.Tensor]] = {}

    @property
    def settings(self) -> dict[str, Any]:
        """Identifies it."""
        return {
            "lessons": settings_of(self.lessons),
            "rates": settings_of(self._rates),
        }

    def traced(self, network: SuperNetwork) -> TracedTraining:
        """The training on a super-network, traced with its first cell.

        Args:
            network: The super-network.
        """
        return self._rates.traced(network)

    def batches(
        self, data: ScoringData, seed: int, image_shape: tuple[int, ...]
    ) -> tuple[Batches, tf.Tensor]:
        """As of `TrainingScorer`, drawn once.

        Args:
            data: Real data.
            seed: Of all randomness but the weights.
            image_shape: `(height, width, channels)`.
        """
        if seed not in self._batches:
            self._batches[seed] = self.lessons.batches(data, seed, image_shape)
        return self._batches[seed]

    def close(self) -> None:
        """Frees both."""
        self._rates.close()
        self._batches.clear()


class LossCurve(Scorer):
    """The accuracy of one fresh network after its training, and on the way its losses.

    By-products: the mean loss of each block of steps, the CPU seconds of training and
    of testing, and whether these have the tracing.

    Args:
        course: What it is trained with, shared by the learners.
        learner: Number of the network. The first one's weights and batches are those of
            a scorer with `learners=1`.
        block: Steps of a block.
    """

    def __init__(self, course: Course, learner: int, block: int) -> None:
        self.name = accuracy_of(learner)
        self.needs_training_data = course.lessons.needs_training_data
        self.learner = learner
        self.block = block
        self.course = course.settings
        self._course = course
        self._is_traced = False

    def __call__(self, candidate: Candidate, data: ScoringData, seed: int) -> float:
        return self.scores(candidate, data, seed)[self.name]

    def builds(self, candidate: Candidate, data: ScoringData) -> bool:
        return False

    def close(self) -> None:
        self._course.close()
        self._is_traced = False

    def scores(
        self, candidate: Candidate, data: ScoringData, seed: int
    ) -> dict[str, float]:
        network = candidate.supernetwork()
        if network is None:
            raise ScoreError(f"expected a cell of the space, received {candidate}")
        training, cell = self._course.traced(network), candidate.genotype
        shape, images = network.image_shape, self._course.lessons.images
        batches, settle = self._course.batches(data, seed + self.learner, shape)
        traced, self._is_traced = not self._is_traced, True
        began = time.process_time()
        trained = training.train(cell, batches, (seed % 2**31, self.learner))
        tested = time.process_time()
        settled = training.settle(cell, trained, settle)
        validation = data.validation_batches(images)
        accuracy = training.accuracy(
            cell, settled, ((as_input(x, shape), y) for x, y in validation)
        )
        ended = time.process_time()
        blocks = trained.losses.reshape(-1, self.block).mean(axis=1).tolist()
        losses = {
            loss_of(self.learner, (number + 1) * self.block): value
            for number, value in enumerate(blocks)
        }
        return {
            self.name: accuracy,
            f"{CPU}training_{self.learner}": tested - began,
            f"{CPU}testing_{self.learner}": ended - tested,
            f"{TRACED}{self.learner}": float(traced),
            **losses,
        }


class Timed(Scorer):
    """A scorer whose CPU seconds are a by-product.

    Args:
        scorer: The scorer.
    """

    def __init__(self, scorer: Scorer) -> None:
        self.name = scorer.name
        self.needs_training_data = scorer.needs_training_data
        self.settings = settings_of(scorer)
        self._scorer = scorer
        self._is_traced = False

    def __call__(self, candidate: Candidate, data: ScoringData, seed: int) -> float:
        return self.scores(candidate, data, seed)[self.name]

    def builds(self, candidate: Candidate, data: ScoringData) -> bool:
        return self._scorer.builds(candidate, data)

    def prepare(self, data: ScoringData, seed: int) -> None:
        self._scorer.prepare(data, seed)

    def close(self) -> None:
        self._scorer.close()
        self._is_traced = False

    def scores(
        self, candidate: Candidate, data: ScoringData, seed: int
    ) -> dict[str, float]:
        traced, self._is_traced = not self._is_traced, True
        began = time.process_time()
        found = self._scorer.scores(candidate, data, seed)
        took = time.process_time() - began
        return {
            **found,
            f"{CPU}{self.name}": took,
            f"{TRACED}{self.name}": float(traced),
        }


def accuracy_of(learner: int) -> str:
    """The column of a learner's accuracy.

    Args:
        learner: Its number.
    """
    return f"accuracy_{learner}"


def loss_of(learner: int, step: int) -> str:
    """The column of the mean loss of a block of steps.

    Args:
        learner: Its number.
        step: The last of the block, from 1.
    """
    return f"loss_{learner}_to_{step}"
