"""The whole configuration of a run: frozen dataclasses, read from YAML.

Imports nothing but the standard library and PyYAML, so that a mistyped key is
reported in milliseconds, before TensorFlow starts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
from collections.abc import Callable, Iterator, Sequence
from math import inf
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar, Union

import yaml

Widths = tuple[Union[int, tuple[int, int]], ...]
_T = TypeVar("_T")
Each = Union[_T, tuple[_T, ...]]  # one for all networks, or one after the other

DATASETS = ("digits", "mnist", "fashion_mnist", "cifar10")
TEACHERS = (
    "no_curriculum",
    "all_shuffled",
    "shuffled_batch",
    "full_curriculum",
    "dataset_distillation",
    "real_data",
)
# Fixed networks that teachers are compared on: `gtn_tf.learners.named_learner`.
LEARNERS = ("conv", "conv_pooled", "mlp", "keras_conv", "resnet")

_PACKAGE = Path(__file__).resolve().parent
# An installed package carries its presets; a source tree keeps them beside it.
_PRESET_FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs")


class ConfigError(ValueError):
    """A configuration that cannot be used, told in one line.

    Args:
        message: What was expected, what was received, and where.
        key: The dotted key, such as `"meta.iterations"`, whose value alone is at
            fault; empty if there is none.
    """

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


def _refuse(key: str, expected: str, received: Any) -> ConfigError:
    shown = "null" if received is None else repr(received)
    return ConfigError(f"{key}: expected {expected}, received {shown}", key)


class _Rule(NamedTuple):
    """What a field accepts, in words and as a test of the value."""

    expected: str
    allows: Callable[[Any], bool]


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1  # isinstance would let True pass


def _is_width(value: Any) -> bool:
    if not isinstance(value, tuple):
        return _is_count(value)
    return len(value) == 2 and all(map(_is_count, value)) and value[0] < value[1]


_FLAG = _Rule("true or false", lambda value: isinstance(value, bool))
_COUNT = _Rule("an integer of at least 1", _is_count)
_COUNT_OR_0 = _Rule(
    "an integer of at least 0", lambda value: type(value) is int and value >= 0
)
_ABOVE_0 = _Rule("a number above 0", lambda value: 0 < value < inf)
_FROM_0 = _Rule("a number of at least 0", lambda value: 0 <= value < inf)
_DECAY = _Rule("a number in [0, 1)", lambda value: 0 <= value < 1)
_FRACTION = _Rule("a number in [0, 1]", lambda value: 0 <= value <= 1)
_STRIDES = _Rule(
    "a list of integers of at least 1",
    lambda value: isinstance(value, tuple) and all(map(_is_count, value)),
)
_WIDTHS = _Rule(
    "a list of integers of at least 1 or pairs [low, high] with 1 <= low < high",
    lambda value: isinstance(value, tuple) and all(map(_is_width, value)),
)


def _one_of(*choices: str) -> _Rule:
    return _Rule(f"one of {', '.join(choices)}", lambda value: value in choices)


def _or_each(rule: _Rule) -> _Rule:
    def allows(value: Any) -> bool:
        if not isinstance(value, tuple):
            return rule.allows(value)
        return bool(value) and all(map(rule.allows, value))

    return _Rule(f"{rule.expected}, or a list of such", allows)


def _setting(default: Any, rule: _Rule) -> Any:
    return dataclasses.field(default=default, metadata={"rule": rule})


def _section(kind: type) -> Any:
    rule = _Rule(f"a {kind.__name__}", lambda value: isinstance(value, kind))
    return _setting(kind(), rule)


def _typed(value: Any, kind: type) -> Any:
    """Gives a float where one is due, and lists (of lists) as tuples."""
    if kind is float:
        # By way of str: YAML 1.1 reads 1e-3 as a string, and float(True) would pass.
        return float(str(value))
    if isinstance(value, (list, tuple)):
        return tuple(tuple(item) if isinstance(item, list) else item for item in value)
    return value


@dataclasses.dataclass(frozen=True)
class _Checked:
    """Checks every field of the dataclass that inherits it, however it was made."""

    _prefix: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            rule, received = field.metadata["rule"], getattr(self, field.name)
            try:
                value = _typed(received, type(field.default))
                accepted = rule.allows(value)
            except ValueError:
                accepted = False
            if not accepted:
                raise _refuse(self._prefix + field.name, rule.expected, received)
            object.__setattr__(self, field.name, value)  # the way of frozen classes


@dataclasses.dataclass(frozen=True)
class DataConfig(_Checked):
    """The real data that judges the learners."""

    _prefix: ClassVar[str] = "data."

    name: str = _setting("digits", _one_of(*DATASETS))  # data set
    augment: bool = _setting(False, _FLAG)  # random crop and flip of the real batches


@dataclasses.dataclass(frozen=True)
class TeacherConfig(_Checked):
    """What feeds a learner in the inner loop."""

    _prefix: ClassVar[str] = "teacher."

    source: str = _setting("full_curriculum", _one_of(*TEACHERS))  # or a baseline
    steps: int = _setting(32, _COUNT)  # inner-loop steps, T in the paper
    batch_size: int = _setting(64, _COUNT)  # synthetic examples in a step
    latent_size: int = _setting(64, _COUNT)  # numbers in z, the generator's noise
    learned_latents: bool = _setting(True, _FLAG)  # learn z, or keep its first draw
    # Memory for the generator's activations, in GB; what exceeds it is recomputed.
    activation_gb: float = _setting(2.0, _FROM_0)


@dataclasses.dataclass(frozen=True)
class GeneratorConfig(_Checked):
    """The network that turns noise and a label into an image."""

    _prefix: ClassVar[str] = "generator."

    units: int = _setting(128, _COUNT)  # units of the first dense layer
    filters: int = _setting(32, _COUNT)  # channels of the conv; twice as many before it
    weight_norm: bool = _setting(True, _FLAG)  # W = g * V / ||V|| in every layer


@dataclasses.dataclass(frozen=True)
class LearnersConfig(_Checked):
    """The distribution that learner architectures are drawn from.

    A width is an integer, or a pair `[low, high]` drawn uniformly, `high` excluded.
    Settings marked "each" may be a list, whose entries the networks of the pool take
    in turn: `family: [conv, mlp]` with `pool: 4` gives two of either.
    """

    _prefix: ClassVar[str] = "learners."

    # Each: mlp has dense layers only.
    family: Each[str] = _setting("conv", _or_each(_one_of("conv", "mlp")))
    filters: Widths = _setting((16, 32), _WIDTHS)  # widths of the convs, in channels
    units: Widths = _setting((64,), _WIDTHS)  # widths of the hidden dense layers
    strides: tuple[int, ...] = _setting((2, 2), _STRIDES)  # of the convs, in pixels
    # How a conv goes down by its stride: 3x3 max-pool after it (none at 1), or itself.
    downsample: str = _setting("max_pool", _one_of("max_pool", "stride"))
    # Each: dense layers see the mean over pixels instead of all pixels.
    global_pooling: Each[bool] = _setting(False, _or_each(_FLAG))
    # Each: W = g * V / ||V|| in every layer.
    weight_norm: Each[bool] = _setting(True, _or_each(_FLAG))
    # Each. The paper's is mean_only: the mean is normalised and the variance is not.
    batch_norm: Each[str] = _setting(
        "mean_only", _or_each(_one_of("mean_only", "full", "none"))
    )
    pool: int = _setting(1, _COUNT)  # sampled architectures, each traced once

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.strides) != len(self.filters):
            raise ConfigError(
                "learners.strides: expected one for each entry of learners.filters "
                f"{self.filters}, received {self.strides}"
            )
        for name in _EACH:
            entries = getattr(self, name)
            if isinstance(entries, tuple) and len(entries) > self.pool:
                raise ConfigError(
                    f"learners.{name}: expected at most learners.pool ({self.pool}) "
                    f"entries, received {entries}",
                    f"learners.{name}",
                )

    def networks(self) -> list[LearnersConfig]:
        """The settings of each network of the pool, without lists to take turns in.

        Example:

        >>> mixed = LearnersConfig(family=("conv", "mlp"), pool=3)
        >>> [one.family for one in mixed.networks()]
        ['conv', 'mlp', 'conv']
        """
        return [
            dataclasses.replace(
                self, pool=1, **{name: _nth(getattr(self, name), n) for name in _EACH}
            )
            for n in range(self.pool)
        ]


_EACH = ("family", "global_pooling", "weight_norm", "batch_norm")


def _nth(entry: Any, n: int) -> Any:
    return entry[n % len(entry)] if isinstance(entry, tuple) else entry


@dataclasses.dataclass(frozen=True)
class InnerOptimizerConfig(_Checked):
    """The SGD with heavy-ball momentum of the inner loop."""

    _prefix: ClassVar[str] = "inner_optimizer."

    learning_rate: float = _setting(0.3, _ABOVE_0)  # before meta-training
    momentum: float = _setting(0.5, _FROM_0)  # before meta-training
    # One learned pair for each step (the paper's), one for all, or not learned.
    rates: str = _setting("per_step", _one_of("per_step", "shared", "fixed"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.momentum == 0 and self.rates != "fixed":
            raise ConfigError(
                "inner_optimizer.momentum: expected a number above 0, since learned "
                "rates are kept as logarithms (or inner_optimizer.rates=fixed), "
                f"received {self.momentum}"
            )


@dataclasses.dataclass(frozen=True)
class MetaConfig(_Checked):
    """The outer loop: Adam with cosine decay on the meta-loss."""

    _prefix: ClassVar[str] = "meta."

    iterations: int = _setting(1000, _COUNT)  # meta-iterations (outer-loop steps)
    batch_size: int = _setting(256, _COUNT)  # real examples in a meta-loss
    learning_rate: float = _setting(0.01, _ABOVE_0)  # Adam's, at the start
    final_learning_rate: float = _setting(0.05, _FRACTION)  # at the end, as a fraction
    beta_1: float = _setting(0.9, _DECAY)  # Adam's decay of the first moment
    beta_2: float = _setting(0.999, _DECAY)  # Adam's decay of the second moment
    epsilon: float = _setting(1e-8, _ABOVE_0)  # Adam's, beside the root
    # The meta-gradient's norm at most; 0: any. Of all tensors together.
    gradient_clip: float = _setting(0.0, _FROM_0)
    intermediate_every: int = _setting(4, _COUNT_OR_0)  # inner steps; 0: final only
    # How the meta-gradient is computed; its value is the same.
    unroll: str = _setting(
        "auto", _one_of("auto", "nested_tapes", "keep", "recompute")
    )
    # Inner steps that the gradient goes back through, a divisor of teacher.steps;
    # 0: all.
    truncate_every: int = _setting(0, _COUNT_OR_0)
    # Inner steps of the first meta-iteration, and meta-iterations after which one is
    # added, up to teacher.steps; 0: all of them from the start.
    initial_steps: int = _setting(0, _COUNT_OR_0)
    lengthen_every: int = _setting(5, _COUNT)
    learners_per_iteration: int = _setting(1, _COUNT)  # meta-gradients averaged
    # A checkpoint, a validation and a log line come after each epoch.
    iterations_per_epoch: int = _setting(50, _COUNT)
    max_skipped: int = _setting(10, _COUNT)  # non-finite iterations in a row, then stop

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.iterations % self.iterations_per_epoch:
            raise ConfigError(
                "meta.iterations: expected a multiple of meta.iterations_per_epoch "
                f"({self.iterations_per_epoch}), since a run is resumed at the end of "
                f"an epoch, received {self.iterations}"
            )


@dataclasses.dataclass(frozen=True)
class EvaluationConfig(_Checked):
    """How a trained teacher is judged."""

    _prefix: ClassVar[str] = "evaluation."

    learners: int = _setting(10, _COUNT)  # fresh learners, taught and tested
    # Meta-iterations that learn the rates of the real-data baseline.
    real_data_iterations: int = _setting(150, _COUNT)
    real_data_learning_rate: float = _setting(0.05, _ABOVE_0)  # Adam's, for them


@dataclasses.dataclass(frozen=True)
class Config(_Checked):
    """The whole configuration of a run.

    Raises:
        ConfigError: If a value is not what its field accepts.

    Example:

    >>> Config(meta=MetaConfig(iterations=500)).meta.iterations
    500
    """

    seed: int = _setting(0, _COUNT_OR_0)  # of everything drawn at random
    data: DataConfig = _section(DataConfig)
    teacher: TeacherConfig = _section(TeacherConfig)
    generator: GeneratorConfig = _section(GeneratorConfig)
    learners: LearnersConfig = _section(LearnersConfig)
    inner_optimizer: InnerOptimizerConfig = _section(InnerOptimizerConfig)
    meta: MetaConfig = _section(MetaConfig)
    evaluation: EvaluationConfig = _section(EvaluationConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        meta, steps = self.meta, self.teacher.steps
        if meta.intermediate_every >= steps:
            raise ConfigError(
                "meta.intermediate_every: expected an integer below teacher.steps "
                f"({steps}), received {meta.intermediate_every}"
            )
        if meta.truncate_every and steps % meta.truncate_every:
            raise ConfigError(
                "meta.truncate_every: expected 0 or a divisor of teacher.steps "
                f"({steps}), received {meta.truncate_every}"
            )
        if meta.initial_steps > steps:
            raise ConfigError(
                "meta.initial_steps: expected an integer up to teacher.steps "
                f"({steps}), received {meta.initial_steps}"
            )
        added = meta.iterations // meta.lengthen_every
        if meta.initial_steps and meta.initial_steps + added < steps:
            raise ConfigError(
                "meta.lengthen_every: expected so few that meta.iterations "
                f"({meta.iterations}) reach teacher.steps ({steps}), received "
                f"{meta.lengthen_every}"
            )
        if meta.initial_steps and meta.truncate_every:
            raise ConfigError(
                "meta.initial_steps: expected 0 beside meta.truncate_every "
                f"({meta.truncate_every}), received {meta.initial_steps}"
            )
        if meta.initial_steps and meta.unroll not in ("auto", "recompute"):
            raise ConfigError(
                "meta.unroll: expected auto or recompute beside meta.initial_steps, "
                f"received {meta.unroll!r}"
            )


def load_config(path_or_preset: str, overrides: Sequence[str] = ()) -> Config:
    """Reads a YAML file or a preset, changes what the overrides say, checks it all.

    Args:
        path_or_preset: Name of a preset, such as `"digits"`, or path of a YAML file.
            The keys that it leaves out keep their defaults.
        overrides: Strings `"section.key=value"`, the value written as in YAML. The
            last one wins.

    Returns:
        The checked `Config`.

    Raises:
        ConfigError: If there is no such file or preset, or if anything in it cannot
            be used.

    Example:

    >>> load_config("digits", ["meta.iterations=500", "seed=3"]).meta.iterations
    500
    """
    path = _find(path_or_preset)
    entries = {**_read_file(path), **_read_overrides(overrides)}
    values: dict[str, dict[str, Any]] = {section: {} for section in ("", *_SECTIONS)}
    try:
        for key, (value, _) in entries.items():
            if key in _SECTIONS:
                raise _refuse(key, "a section with keys", value)
            if key not in _KEYS:
                raise _unknown(key)
            section, _, name = key.rpartition(".")
            values[section][name] = value
        sections = {name: kind(**values[name]) for name, kind in _SECTIONS.items()}
        return Config(**values[""], **sections)
    except ConfigError as error:
        # A rule between two keys may be broken by the file and the overrides together.
        together = " with ".join([str(path), *overrides])
        _, origin = entries.get(error.key, (None, together))
        raise ConfigError(f"{origin}: {error}", error.key) from None


def to_yaml(config: Config) -> str:
    """Writes a configuration as YAML that `load_config` reads back, in schema order.

    Args:
        config: The `Config` to write.

    Returns:
        The YAML text.

    Example:

    >>> to_yaml(Config()).splitlines()[:3]
    ['seed: 0', 'data:', '  name: digits']
    """
    return yaml.dump(dataclasses.asdict(config), Dumper=_Dumper, sort_keys=False)


def differences(a: Config, b: Config) -> list[str]:
    """Lists the settings in which two configurations differ, in schema order.

    Args:
        a: A `Config`.
        b: Another.

    Returns:
        Lines such as `"meta.iterations: 1000 != 500"`; none if the two are equal.

    Example:

    >>> differences(Config(), Config(seed=3))
    ['seed: 0 != 3']
    """
    other = _flatten(b)
    return [
        f"{key}: {value} != {other[key]}"
        for key, value in _flatten(a).items()
        if value != other[key]
    ]


class _Dumper(yaml.SafeDumper):
    """Writes lists on one line (`[16, 32]`) and sections as blocks."""


_Dumper.add_representer(
    tuple,
    lambda dumper, entries: dumper.represent_sequence(
        "tag:yaml.org,2002:seq", entries, flow_style=True
    ),
)


def _flatten(config: Config) -> dict[str, Any]:
    """Gives `{"seed": 0, "data.name": "digits", ...}`, in schema order."""
    flat = {}
    for name, value in dataclasses.asdict(config).items():
        if isinstance(value, dict):
            flat.update({f"{name}.{key}": entry for key, entry in value.items()})
        else:
            flat[name] = value
    return flat


_KEYS = tuple(_flatten(Config()))
_SECTIONS: dict[str, Any] = {
    field.name: type(field.default)
    for field in dataclasses.fields(Config)
    if dataclasses.is_dataclass(field.default)
}

# What was read: for each dotted key, its value and where it stands.
_Entries = dict[str, tuple[Any, str]]


def _unknown(key: str) -> ConfigError:
    section, _, name = key.rpartition(".")
    last_words = {known: known.rpartition(".")[2] for known in (*_KEYS, *_SECTIONS)}
    # By last word first: a long section name makes all its keys look alike.
    word = difflib.get_close_matches(name, last_words.values(), n=1)
    near = [known for known in last_words if last_words[known] in word]
    if near:
        nearest = difflib.get_close_matches(key, near, n=1, cutoff=0)[0]
        hint = f"did you mean {nearest}?"
    else:
        fields = dataclasses.fields(_SECTIONS.get(section, Config))
        hint = f"expected one of {', '.join(field.name for field in fields)}"
    return ConfigError(f"{key}: unknown key, {hint}", key)


def _find(path_or_preset: str) -> Path:
    presets = {
        file.stem: file
        for folder in reversed(_PRESET_FOLDERS)  # the first folder wins
        for file in sorted(folder.glob("*.yaml"))
    }
    path = presets.get(path_or_preset, Path(path_or_preset))
    if path.is_file():
        return path
    near = difflib.get_close_matches(path.stem, presets, n=1)
    hint = f", did you mean {near[0]}?" if near else ""
    raise ConfigError(
        f"{path_or_preset}: no such file or preset{hint} "
        f"(the presets are {', '.join(sorted(presets))})"
    )


def _read_file(path: Path) -> _Entries:
    with _yaml_errors(path):
        loader = yaml.SafeLoader(path.read_bytes())
        root = loader.get_single_node()
        if root is None:  # an empty file: all defaults
            return {}
        if not isinstance(root, yaml.MappingNode):
            received = loader.construct_object(root, deep=True)
            raise _refuse(str(path), "sections such as meta:", received)
        return dict(_walk(loader, root, path, lines={}))


def _walk(
    loader: yaml.SafeLoader,
    mapping: yaml.MappingNode,
    path: Path,
    lines: dict[str, int],
    prefix: str = "",
) -> Iterator[tuple[str, tuple[Any, str]]]:
    # Over nodes, because they know their lines and still hold a key given twice.
    for key_node, node in mapping.value:
        key = f"{prefix}{loader.construct_object(key_node, deep=True)}"
        line = key_node.start_mark.line + 1
        origin = f"{path}, line {line}"
        if key in lines:
            raise ConfigError(
                f"{origin}: {key}: expected once, received on line {lines[key]} too"
            )
        lines[key] = line
        if key in _SECTIONS and isinstance(node, yaml.MappingNode):
            yield from _walk(loader, node, path, lines, f"{key}.")
        else:
            yield key, (loader.construct_object(node, deep=True), origin)


def _read_overrides(overrides: Sequence[str]) -> _Entries:
    entries: _Entries = {}
    for override in overrides:
        origin = f"override {override!r}"
        key, equals, text = override.partition("=")
        if not equals:
            raise ConfigError(f"{origin}: expected section.key=value, received no '='")
        with _yaml_errors(origin):
            entries[key.strip()] = yaml.safe_load(text), origin
    return entries


@contextlib.contextmanager
def _yaml_errors(origin: str | Path) -> Iterator[None]:
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:  # of PyYAML, or any of Python's from a malformed value
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = " ".join(str(getattr(error, "problem", error)).split())
        raise ConfigError(f"{origin}{place}: not valid YAML, {problem}") from None
