"""From a configuration to the objects it describes.

The keys of a section are keyword arguments of the objects that it describes, and each
object takes those that it has: a new key needs no line here.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from gtn_tf import learners, teachers
from gtn_tf.adam_by_group import AdamByGroup
from gtn_tf.config import (
    Config,
    DartsConfig,
    EnasConfig,
    InnerOptimizerConfig,
    LearnersConfig,
    MetaConfig,
    MixedTrainingConfig,
    SharedTrainingConfig,
)
from gtn_tf.data import Augmentation, Splits
from gtn_tf.differentiable import AlphaAdam, Darts, Gdas
from gtn_tf.distribution import learners_of_each
from gtn_tf.enas import Enas, Reinforce
from gtn_tf.generator import Generator
from gtn_tf.gtn import GTN
from gtn_tf.inner import (
    Estimator,
    FullUnroll,
    InnerOptimizer,
)
from gtn_tf.names import ESTIMATORS, FAMILIES, OPTIMIZERS, SPACES, TEACHERS
from gtn_tf.search import CellSpace
from gtn_tf.supernet import SGD, SharedWeights


def build_gtn(config: Config, splits: Splits) -> GTN:
    """Makes and compiles the GTN of a configuration.

    Args:
        config: The configuration.
        splits: The real data, which decides the shape of the images.

    Returns:
        The untrained model. The same configuration gives the same weights.
    """
    # Keras draws the generator's initial weights from its global seed.
    tf.keras.utils.set_random_seed(config.seed % 2**32)
    teacher = _teacher(config, splits, config.teacher.source)
    meta, factors = config.meta, vars(config.rate_factors)
    optimizer = _optimizer(meta, meta.learning_rate, meta.iterations, factors)
    augmentation = Augmentation(**vars(config.augmentation))
    return _gtn(config, teacher, _estimator(meta), optimizer, augmentation)


def start(
    gtn: GTN,
    config: Config,
    splits: Splits,
    report: Callable[[str], None] = print,
) -> None:
    """Lets a GTN's teacher start from real images, if the configuration says so.

    Args:
        gtn: Untrained. If its teacher is real data, there is nothing to start.
        config: The configuration.
        splits: The real data, of which the training part is used.
        report: Called with each line of progress.
    """
    iterations, real = config.generator.warm_start, config.teacher.init == "real"
    if isinstance(gtn.teacher, teachers.RealData) or not (iterations or real):
        return
    # A plain twin: variables of a `tf.distribute` strategy cannot be fitted here.
    tf.keras.utils.set_random_seed(config.seed % 2**32)
    twin: Any = _teacher(config, splits, config.teacher.source)
    examples = splits.train_images, splits.train_labels
    if iterations:
        teachers.warm_start(
            twin,
            *examples,
            iterations,
            lambda done, loss: report(
                f"warm start {done}/{iterations}: squared difference {loss:.3f}"
            ),
        )
    if real:
        twin.start_from(*examples)
    with gtn.distribute_strategy.scope():
        for variable, value in zip(gtn.teacher.variables, twin.variables):
            variable.assign(value)


def build_real_data_gtn(config: Config, splits: Splits) -> GTN:
    """Makes the baseline: the same learners on real data, an optimizer learned on it.

    Args:
        config: The configuration.
        splits: The real data.

    Returns:
        A compiled GTN whose teacher is `RealData`: meta-training it learns the
        hyperparameters of the inner optimizer that real data needs, by an estimator
        that learns such. All inner steps are in use from the start, and nothing is
        augmented: a few steps of real data hardly see an image twice.
    """
    tf.keras.utils.set_random_seed(config.seed % 2**32)
    evaluation, estimator = config.evaluation, _estimator(config.meta)
    if not estimator.learns_rates:
        estimator = FullUnroll()
    elif estimator.lengthens:
        estimator = FullUnroll(config.meta.intermediate_every)
    iterations = evaluation.real_data_iterations
    optimizer = _optimizer(config.meta, evaluation.real_data_learning_rate, iterations)
    return _gtn(config, _teacher(config, splits, "real_data"), estimator, optimizer)


def build_sgd(chosen: SharedTrainingConfig | MixedTrainingConfig) -> SGD:
    """Makes the optimizer of shared weights.

    Args:
        chosen: Section `training` of a configuration.
    """
    return SGD(**{name: getattr(chosen, name) for name in SGD._fields})


def build_differentiable(config: DartsConfig, shared: SharedWeights) -> Darts | Gdas:
    """Makes the differentiable search of a configuration.

    Args:
        config: The configuration.
        shared: Where the operations have their weights.
    """
    kind = {"darts": Darts, "gdas": Gdas}[config.search.method]
    of_alphas = {name: getattr(config.search, name) for name in AlphaAdam._fields}
    own = _taken(vars(config.search), kind)
    search: Darts | Gdas = kind(
        shared,
        build_sgd(config.training),
        AlphaAdam(**of_alphas),
        seed=config.seed,
        **own,
    )
    return search


def build_enas(config: EnasConfig, space: CellSpace[Any]) -> Enas:
    """Makes the search of a configuration by ENAS.

    Args:
        config: The configuration.
        space: Of the architectures.
    """
    chosen = {name: getattr(config.search, name) for name in Reinforce._fields}
    return Enas(space, build_sgd(config.training), Reinforce(**chosen), config.seed)


def _gtn(
    config: Config,
    teacher: teachers.Teacher,
    estimator: Estimator,
    optimizer: tf.keras.optimizers.Optimizer,
    augmentation: Augmentation = Augmentation(),  # noqa: B008 (it has no state)
) -> GTN:
    gtn = GTN(
        teacher,
        _learners(config),
        _inner_optimizer(config.inner_optimizer, config.teacher.steps),
        estimator,
        learners_per_iteration=learners_of_each(
            config.meta.learners_per_iteration,
            tf.distribute.get_strategy().num_replicas_in_sync,
        ),
        unroll=config.meta.unroll,
        relative_clip=config.meta.relative_clip,
        max_skipped=config.meta.max_skipped,
        seed=config.seed,
        augmentation=augmentation,
    )
    gtn.compile(optimizer)
    return gtn


def _inner_optimizer(config: InnerOptimizerConfig, steps: int) -> InnerOptimizer:
    kind = OPTIMIZERS.load(config.name)
    offered = {**vars(config), "steps": steps}
    if config.final_learning_rate != 1:
        offered["learning_rate"] = tf.keras.optimizers.schedules.CosineDecay(
            config.learning_rate, max(steps - 1, 1), config.final_learning_rate
        )
    return kind(**_taken(offered, kind))


def _estimator(meta: MetaConfig) -> Estimator:
    return ESTIMATORS.load(meta.estimator)(**vars(meta.estimator_settings()))


def _optimizer(
    meta: MetaConfig,
    learning_rate: float,
    iterations: int,
    factors: Mapping[str, float] | None = None,
) -> tf.keras.optimizers.Optimizer:
    return AdamByGroup(
        tf.keras.optimizers.schedules.CosineDecay(
            learning_rate, iterations, meta.final_learning_rate
        ),
        meta.beta_1,
        meta.beta_2,
        meta.epsilon,
        global_clipnorm=meta.gradient_clip or None,
        factors=factors,
    )


def _teacher(config: Config, splits: Splits, source: str) -> teachers.Teacher:
    kind, chosen = TEACHERS.load(source), config.teacher
    offered = {
        **vars(chosen),
        "activation_bytes": int(min(chosen.activation_gb * 1e9, 1e18)),
        "image_shape": splits.image_shape,
        "num_classes": splits.num_classes,
        "images": splits.train_images,
        "labels": splits.train_labels,
        "seed": config.seed,
    }
    if "generator" in _keywords(kind):
        offered["generator"] = Generator(
            splits.image_shape,
            splits.num_classes,
            chosen.latent_size,
            **_taken(vars(config.generator), Generator),
        )
    return kind(**_taken(offered, kind))


def _learners(config: Config) -> learners.Learners:
    networks = config.learners.networks()
    if all(one == networks[0] for one in networks):
        count = config.learners.architectures
        same = dataclasses.replace(networks[0], architectures=count)
        return _family(same, config.seed)
    return learners.MixedLearners(
        [_family(one, config.seed + n) for n, one in enumerate(networks)]
    )


def _family(network: LearnersConfig, seed: int) -> learners.Learners:
    chosen: dict[str, Any] = {**vars(network), "seed": seed}
    family = chosen["family"]
    if family in SPACES:  # a stack of cells has a width of its own
        chosen.update(space=family, filters=network.cell_filters)
    kind = FAMILIES.load(family)
    return kind(**_taken(chosen, kind))


def _taken(offered: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """The keywords that a class accepts."""
    return {name: offered[name] for name in _keywords(kind) if name in offered}


def _keywords(kind: Any) -> list[str]:
    # From `__init__`: Keras gives its classes a `__new__` that takes anything.
    return list(inspect.signature(kind.__init__).parameters)
