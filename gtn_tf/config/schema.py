"""The whole configuration of a meta-training, as frozen dataclasses."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, TypeVar, Union

from gtn_tf import names
from gtn_tf.config.rules import (
    ABOVE_0,
    BETWEEN_0_AND_1,
    COUNT,
    COUNT_OR_0,
    DECAY,
    FLAG,
    FRACTION,
    FROM_0,
    FROM_1_OR_0,
    SHAPE_OR_NONE,
    SIZE,
    STRIDES,
    TEXT_OR_NONE,
    WIDTHS,
    Checked,
    ConfigError,
    Rule,
    as_tuple,
    expect_unused,
    one_of,
    or_each,
    or_word,
    section,
    setting,
    some_of,
)
from gtn_tf.config.teacher import (
    GeneratorConfig,
    RateFactorsConfig,
    TeacherConfig,
    expect_groups,
)
from gtn_tf.errors import ArgumentError, shown
from gtn_tf.estimator_settings import SETTINGS, EstimatorSettings

Widths = tuple[Union[int, tuple[int, int]], ...]
_T = TypeVar("_T")
Each = Union[_T, tuple[_T, ...]]  # one for all networks, or a list to cycle through

# The settings of each optimizer, besides `rates`.
INNER_OPTIMIZERS = {
    "sgd": ("learning_rate", "momentum"),
    "adam": ("learning_rate", "beta_1", "beta_2", "epsilon"),
    "lamb": ("learning_rate", "beta_1", "beta_2", "epsilon"),
    "rmsprop": ("learning_rate", "rho", "epsilon"),
}


_DATA_NAME = Rule(
    f"one of {', '.join(names.DATASETS)}, or {names.TFDS} and a name of "
    "tensorflow-datasets",
    lambda value: value in names.DATASETS or names.is_tfds_name(value),
    tuple(names.DATASETS),
)


@dataclasses.dataclass(frozen=True)
class DataConfig(Checked):
    """The real data of the meta-loss and of tests."""

    _prefix: ClassVar[str] = "data."

    name: str = setting("digits", _DATA_NAME)  # data set; tfds:NAME for any other
    # How the real batches are augmented, each image on its own.
    augment: tuple[str, ...] = setting((), some_of(*names.AUGMENTATIONS))
    cutout: int = setting(0, COUNT_OR_0)  # side of a square cut out of them, in pixels
    # Resized to, in pixels, one number for squares or [height, width]; 0: as stored.
    image_size: int | tuple[int, int] = setting(0, SIZE)
    # One's own, instead of name: a folder of class folders, npz, CSV or IDX files.
    path: str = setting("", TEXT_OR_NONE)
    # How images of another shape are: stretched, cut, or with black added.
    resize: str = setting("area", one_of(*names.RESIZES))
    label_column: str = setting("", TEXT_OR_NONE)  # of CSV; by default label or class
    # Of CSV: of a line of pixels, or [features]; by default seen from columns' names.
    image_shape: tuple[int, ...] = setting((), SHAPE_OR_NONE)
    on_error: str = setting("stop", one_of(*names.ON_ERROR))  # at a broken picture

    @property
    def is_own(self) -> bool:
        """Whether it is a user's, or of tensorflow-datasets: nothing is known of it."""
        return bool(self.path) or names.is_tfds_name(self.name)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("label_column", "image_shape", "on_error"):
            received = getattr(self, name)
            if not self.path and received != getattr(type(self), name):
                raise ConfigError(
                    f"data.{name}: expected its default beside data.name ({name} is of "
                    f"data.path), received {shown(received)}",
                    f"data.{name}",
                )


@dataclasses.dataclass(frozen=True)
class LearnersConfig(Checked):
    """The distribution that learner architectures are drawn from.

    A width is an integer, or a pair `[low, high]` drawn uniformly, `high` excluded.
    Settings marked "each" may be a list, whose entries the networks take in turn:
    `family: [conv, mlp]` with `architectures: 4` gives two of either.
    """

    _prefix: ClassVar[str] = "learners."

    # Each: mlp has dense layers only; resnet has a block for each entry of filters, and
    # no hidden dense layers; nao and nas_bench_201 are stacks of random cells, which
    # take none of the settings below but the last three.
    family: Each[str] = setting("conv", or_each(one_of(*names.FAMILIES)))
    filters: Widths = setting((16, 32), WIDTHS)  # widths of the convs, in channels
    units: Widths = setting((64,), WIDTHS)  # widths of the hidden dense layers
    hidden_dense: Each[bool] = setting(True, or_each(FLAG))  # each: whether it has them
    strides: tuple[int, ...] = setting((2, 2), STRIDES)  # of the convs, in pixels
    # Each. What downsamples: a 3x3 max-pool after each conv (none at stride 1); after
    # norm and activation, as in Keras' examples (max_pool_last); or the conv itself.
    downsample: Each[str] = setting("max_pool", or_each(one_of(*names.DOWNSAMPLE)))
    # Each: dense layers see the mean over pixels instead of all pixels.
    global_pooling: Each[bool] = setting(False, or_each(FLAG))
    # Each: W = g * V / ||V|| in every layer.
    weight_norm: Each[bool] = setting(True, or_each(FLAG))
    # Each. The paper's is mean_only: the mean is normalised and the variance is not.
    batch_norm: Each[str] = setting("mean_only", or_each(one_of(*names.NORMS)))
    dense_norm: Each[bool] = setting(True, or_each(FLAG))  # also in dense layers
    # Each: of the batch norms' running statistics. The paper's 0 keeps those of the
    # last batch; networks of Keras are tested with means over all lessons.
    norm_momentum: Each[float] = setting(0.0, or_each(DECAY))
    # Each: of LeakyReLU; 0 makes it a ReLU.
    negative_slope: Each[float] = setting(0.1, or_each(FROM_0))
    cells: int = setting(1, COUNT_OR_0)  # of each stage of a stack of cells
    cell_filters: int = setting(8, COUNT)  # channels of the first stage
    # How many are sampled in advance, each traced once; or, of stacks of cells, all: a
    # new one in every meta-iteration, from a network that is traced once.
    architectures: int | str = setting(1, or_word(COUNT, names.ALL))

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.strides) != len(self.filters):
            raise ConfigError(
                "learners.strides: expected one for each entry of learners.filters "
                f"{self.filters}, received {self.strides}"
            )
        if self.architectures == names.ALL:
            if not {*as_tuple(self.family)} & {*names.SPACES}:
                raise ConfigError(
                    "learners.architectures: expected an integer, or all beside a "
                    f"learners.family of cells ({', '.join(names.SPACES)}), received "
                    f"all beside {shown(self.family)}",
                    "learners.architectures",
                )
            return
        for name, count in self._lengths().items():
            if count > int(self.architectures):
                raise ConfigError(
                    f"learners.{name}: expected at most learners.architectures "
                    f"({self.architectures}) entries, received {getattr(self, name)}",
                    f"learners.{name}",
                )

    @property
    def pool_size(self) -> int:
        """How many networks the pool has."""
        if self.architectures == names.ALL:
            return max([1, *self._lengths().values()])
        return int(self.architectures)

    def networks(self) -> list[LearnersConfig]:
        """The settings of each network of the pool, with lists resolved.

        Of stacks of cells, `architectures` may still be all.

        Example:

        >>> mixed = LearnersConfig(family=("conv", "mlp"), architectures=3)
        >>> [one.family for one in mixed.networks()]
        ['conv', 'mlp', 'conv']
        """
        networks = []
        for n in range(self.pool_size):
            own = {name: _nth(getattr(self, name), n) for name in _EACH}
            cells = self.architectures == names.ALL and own["family"] in names.SPACES
            own["architectures"] = names.ALL if cells else 1
            own["units"] = self.units if own["hidden_dense"] else ()
            networks.append(dataclasses.replace(self, **own))
        return networks

    def _lengths(self) -> dict[str, int]:
        """How many entries each list has."""
        given = {name: getattr(self, name) for name in _EACH}
        return {name: len(x) for name, x in given.items() if isinstance(x, tuple)}


_EACH = (
    "family",
    "hidden_dense",
    "downsample",
    "global_pooling",
    "weight_norm",
    "batch_norm",
    "dense_norm",
    "norm_momentum",
    "negative_slope",
)


def _nth(entry: Any, n: int) -> Any:
    return entry[n % len(entry)] if isinstance(entry, tuple) else entry


def _names(settings: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(settings))


@dataclasses.dataclass(frozen=True)
class InnerOptimizerConfig(Checked):
    """The learners' optimizer: SGD with heavy-ball momentum, Adam, LAMB, RMSProp."""

    _prefix: ClassVar[str] = "inner_optimizer."

    name: str = setting("sgd", one_of(*names.OPTIMIZERS))
    # Initial values, for every step.
    learning_rate: float = setting(0.3, ABOVE_0)
    # Initial, too: at the last step, as a fraction, by a cosine.
    final_learning_rate: float = setting(1.0, ABOVE_0)
    momentum: float = setting(0.5, FROM_0)  # of sgd
    beta_1: float = setting(0.9, BETWEEN_0_AND_1)  # of adam and lamb: of the 1st moment
    beta_2: float = setting(0.999, BETWEEN_0_AND_1)  # and of the second
    rho: float = setting(0.9, BETWEEN_0_AND_1)  # of rmsprop: decay of the mean square
    # Of adam, lamb and rmsprop: added inside and outside the root, never learned.
    epsilon: float = setting(1e-5, ABOVE_0)
    # Learned for each step (the paper's), learned for all steps, or fixed.
    rates: str = setting("per_step", one_of(*names.RATES))

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_unused(self, "name", INNER_OPTIMIZERS)
        if self.final_learning_rate != 1 and self.rates == "shared":
            raise ConfigError(
                "inner_optimizer.final_learning_rate: expected 1 beside "
                "inner_optimizer.rates=shared, one rate for all steps, received "
                f"{self.final_learning_rate:g}"
            )
        if self.momentum == 0 and self.rates != "fixed":
            raise ConfigError(
                "inner_optimizer.momentum: expected a number above 0, since learned "
                "rates are kept as logarithms (or inner_optimizer.rates=fixed), "
                f"received {self.momentum}"
            )


@dataclasses.dataclass(frozen=True)
class MetaConfig(Checked):
    """The outer loop: Adam with cosine decay on the meta-loss."""

    _prefix: ClassVar[str] = "meta."

    iterations: int = setting(1000, COUNT)  # meta-iterations (outer-loop steps)
    batch_size: int = setting(256, COUNT)  # real examples in a meta-loss
    learning_rate: float = setting(0.01, ABOVE_0)  # Adam's, at the start
    final_learning_rate: float = setting(0.05, FRACTION)  # at the end, as a fraction
    beta_1: float = setting(0.9, DECAY)  # Adam's decay of the first moment
    beta_2: float = setting(0.999, DECAY)  # Adam's decay of the second moment
    epsilon: float = setting(1e-8, ABOVE_0)  # Adam's, added to the root
    # Largest norm of the meta-gradient, over all tensors; 0: any.
    gradient_clip: float = setting(0.0, FROM_0)
    # The same, as a multiple of the moving average of the norms before it; 0: any.
    relative_clip: float = setting(0.0, FROM_1_OR_0)
    # How the meta-gradient is estimated: through all inner steps (full), through
    # windows of some (truncated), through more and more of them (lengthening), through
    # the next window of learners that live on (persistent), or through a window at a
    # random place (random_window). Through none: of a ridge regression on the features
    # of learners that live on (ridge), which leaves the inner optimizer's rates alone.
    estimator: str = setting("full", one_of(*SETTINGS))
    intermediate_every: int = setting(4, COUNT_OR_0)  # inner steps; 0: final only
    # Of truncated, persistent, random_window: inner steps of a window; of the first
    # two, a divisor of teacher.steps. Of ridge: lessons of a regression.
    window: int = setting(0, COUNT_OR_0)
    persistent_learners: int = setting(4, COUNT)  # of persistent, ridge: alive at once
    # Of lengthening: inner steps of the first meta-iteration, and meta-iterations
    # after which one is added, up to teacher.steps.
    initial_steps: int = setting(0, COUNT_OR_0)
    lengthen_every: int = setting(5, COUNT)
    # How the meta-gradient is computed; its value is the same.
    unroll: str = setting("auto", one_of("auto", *names.UNROLLS))
    learners_per_iteration: int = setting(1, COUNT)  # meta-gradients averaged
    # Replicas that share these learners, with the same result: none, one on each GPU
    # (mirrored), or on each worker of TF_CONFIG (auto: where that is set).
    distribute: str = setting("auto", one_of("auto", *names.STRATEGIES))
    # A checkpoint, a validation and a log line come after each epoch.
    iterations_per_epoch: int = setting(50, COUNT)
    max_skipped: int = setting(10, COUNT)  # non-finite iterations in a row that end it

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.iterations % self.iterations_per_epoch:
            raise ConfigError(
                "meta.iterations: expected a multiple of meta.iterations_per_epoch "
                f"({self.iterations_per_epoch}), since a run is resumed at the end of "
                f"an epoch, received {self.iterations}"
            )
        expect_unused(
            self, "estimator", {kind: _names(one) for kind, one in SETTINGS.items()}
        )

    def estimator_settings(self) -> EstimatorSettings:
        """The settings of the chosen estimator.

        Example:

        >>> MetaConfig(estimator="truncated", window=2).estimator_settings()
        TruncatedSettings(window=2, intermediate_every=4)
        """
        kind = SETTINGS[self.estimator]
        return kind(**{name: getattr(self, name) for name in _names(kind)})


@dataclasses.dataclass(frozen=True)
class AugmentationConfig(Checked):
    """A random transformation of each lesson, and of the real batch as the last one.

    It is the same for all images of a batch, part of the exported teacher, and beside
    `data.augment` and `data.cutout`, which change each real image on its own.
    """

    _prefix: ClassVar[str] = "augmentation."

    shift: int = setting(0, COUNT_OR_0)  # most pixels down, up and across
    mirror: bool = setting(False, FLAG)  # left to right, with probability 1/2
    cutout: int = setting(0, COUNT_OR_0)  # side of a square that is covered, in pixels


@dataclasses.dataclass(frozen=True)
class EvaluationConfig(Checked):
    """How a trained teacher is tested."""

    _prefix: ClassVar[str] = "evaluation."

    learners: int = setting(10, COUNT)  # fresh learners, taught and tested
    # Inner steps between tests of these learners, for curves.csv and curves.png;
    # 0: only after the last step.
    every: int = setting(0, COUNT_OR_0)
    # Test images after each epoch, too, in metrics.csv: never used for selection.
    test_each_epoch: bool = setting(False, FLAG)
    # Meta-iterations that learn the rates of the real-data baseline; 0: no baseline.
    real_data_iterations: int = setting(150, COUNT_OR_0)
    real_data_learning_rate: float = setting(0.05, ABOVE_0)  # Adam's, for them


@dataclasses.dataclass(frozen=True)
class Config(Checked):
    """The whole configuration of a run.

    Raises:
        ConfigError: If a value is not what its field accepts.

    Example:

    >>> Config(meta=MetaConfig(iterations=500)).meta.iterations
    500
    """

    seed: int = setting(0, COUNT_OR_0)  # of everything drawn at random
    data: DataConfig = section(DataConfig)
    teacher: TeacherConfig = section(TeacherConfig)
    generator: GeneratorConfig = section(GeneratorConfig)
    learners: LearnersConfig = section(LearnersConfig)
    inner_optimizer: InnerOptimizerConfig = section(InnerOptimizerConfig)
    meta: MetaConfig = section(MetaConfig)
    rate_factors: RateFactorsConfig = section(RateFactorsConfig)
    augmentation: AugmentationConfig = section(AugmentationConfig)
    evaluation: EvaluationConfig = section(EvaluationConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_groups(self.teacher, self.generator, self.rate_factors)
        meta, steps = self.meta, self.teacher.steps
        try:
            meta.estimator_settings().check(steps, meta.unroll)
        except ArgumentError as error:
            raise ConfigError(f"meta.{error}") from None
        self._expect_of_estimator(SETTINGS[meta.estimator])
        added = meta.iterations // meta.lengthen_every
        if meta.estimator == "lengthening" and meta.initial_steps + added < steps:
            raise ConfigError(
                "meta.lengthen_every: expected so few that meta.iterations "
                f"({meta.iterations}) reach teacher.steps ({steps}), received "
                f"{meta.lengthen_every}"
            )

    def _expect_of_estimator(self, kind: type[EstimatorSettings]) -> None:
        """Expects learners, and what is learned, to be those of an estimator."""
        if kind.persists and self.learners.architectures == names.ALL:
            raise ConfigError(
                "meta.estimator: expected one of fresh learners, such as full, beside "
                "learners.architectures=all, where every learner is of another size, "
                f"received {kind.kind}"
            )
        factor = self.rate_factors.inner_optimizer
        if not kind.learns_rates and factor != 1:
            raise ConfigError(
                f"rate_factors.inner_optimizer: expected 1 beside meta.estimator="
                f"{kind.kind}, which leaves the inner optimizer as it is set, received "
                f"{factor:g}"
            )
        if not kind.learns_rates and self.teacher.source == "real_data":
            raise ConfigError(
                f"teacher.source: expected one with images to learn beside "
                f"meta.estimator={kind.kind}, which learns nothing else, received "
                "real_data"
            )
