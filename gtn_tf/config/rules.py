"""What a setting accepts, and the error for anything else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, ClassVar, NamedTuple

from gtn_tf.errors import GTNError, did_you_mean, shown


class ConfigError(GTNError, ValueError):
    """A configuration that cannot be used. Its message is one line.

    Args:
        message: What was expected, what was received, and where.
        key: The dotted key, such as `"meta.iterations"`, whose value alone is at
            fault; empty if there is none.
    """

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


def invalid(
    key: str, expected: str, received: Any, choices: Sequence[str] = ()
) -> ConfigError:
    """The error for a value, in the form that all share."""
    text = "null" if received is None else shown(received)
    # Of a list, the first name that is none.
    wrong = [x for x in _entries(received) if x not in choices]
    name = wrong[0] if wrong else received
    hint = "" if name in choices else did_you_mean(name, choices)
    return ConfigError(f"{key}: expected {expected}, received {text}{hint}", key)


def _entries(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else []


class Rule(NamedTuple):
    """What a field accepts: in words, as a test, and as a list of choices, if few."""

    expected: str
    allows: Callable[[Any], bool]
    choices: tuple[str, ...] = ()


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1  # isinstance would let True pass


def _is_width(value: Any) -> bool:
    if not isinstance(value, tuple):
        return _is_count(value)
    return len(value) == 2 and all(map(_is_count, value)) and value[0] < value[1]


def _are_counts(value: Any, lengths: tuple[int, ...]) -> bool:
    if not isinstance(value, tuple):
        return False
    return len(value) in lengths and all(map(_is_count, value))


FLAG = Rule("true or false", lambda value: isinstance(value, bool))
COUNT = Rule("an integer of at least 1", _is_count)
COUNT_OR_0 = Rule(
    "an integer of at least 0", lambda value: type(value) is int and value >= 0
)
ABOVE_0 = Rule("a number above 0", lambda value: 0 < value < inf)
FROM_0 = Rule("a number of at least 0", lambda value: 0 <= value < inf)
FROM_1_OR_0 = Rule(
    "0 or a number of at least 1", lambda value: value == 0 or 1 <= value < inf
)
DECAY = Rule("a number in [0, 1)", lambda value: 0 <= value < 1)
BETWEEN_0_AND_1 = Rule("a number above 0 and below 1", lambda value: 0 < value < 1)
FRACTION = Rule("a number in [0, 1]", lambda value: 0 <= value <= 1)
STRIDES = Rule(
    "a list of integers of at least 1",
    lambda value: isinstance(value, tuple) and all(map(_is_count, value)),
)
WIDTHS = Rule(
    "a list of integers of at least 1 or pairs [low, high] with 1 <= low < high",
    lambda value: isinstance(value, tuple) and all(map(_is_width, value)),
)


TEXT = Rule("a text", lambda value: isinstance(value, str) and bool(value))
TEXT_OR_NONE = Rule("a text", lambda value: isinstance(value, str))
SIZE = Rule(
    "an integer of at least 0, or [height, width]",
    lambda value: _are_counts(value, (2,)) or (type(value) is int and value >= 0),
)
SHAPE_OR_NONE = Rule(
    "[height, width], [height, width, channels], [features] or []",
    lambda value: value == () or _are_counts(value, (1, 2, 3)),
)


def one_of(*choices: str) -> Rule:
    """One of several strings."""
    words = f"one of {', '.join(choices)}"
    return Rule(words, lambda value: value in choices, choices)


def some_of(*choices: str) -> Rule:
    """A list of several strings, each at most once."""

    def allows(value: Any) -> bool:
        if not isinstance(value, tuple):
            return False
        return all(map(choices.__contains__, value)) and len({*value}) == len(value)

    words = f"a list of some of {', '.join(choices)}, each once, or []"
    return Rule(words, allows, choices)


def or_word(rule: Rule, word: str) -> Rule:
    """A value, or a word in its place."""
    return Rule(
        f"{rule.expected}, or {word}",
        lambda value: value == word or rule.allows(value),
        (word,),
    )


def or_each(rule: Rule, empty: bool = False) -> Rule:
    """One value or a list of values; `empty` allows an empty list."""

    def allows(value: Any) -> bool:
        if not isinstance(value, tuple):
            return rule.allows(value)
        return (empty or bool(value)) and all(map(rule.allows, value))

    return Rule(f"{rule.expected}, or a list of such", allows, rule.choices)


def as_tuple(value: Any) -> tuple[Any, ...]:
    """The values of a setting that is one value or a list."""
    return value if isinstance(value, tuple) else (value,)


def setting(default: Any, rule: Rule) -> Any:
    """A field with its default and its rule."""
    return dataclasses.field(default=default, metadata={"rule": rule})


def section(kind: type) -> Any:
    """A field that holds another dataclass of settings."""
    rule = Rule(f"a {kind.__name__}", lambda value: isinstance(value, kind))
    return setting(kind(), rule)


def _typed(value: Any, kind: type) -> Any:
    """Converts to floats where due, and lists (of lists) to tuples."""
    if kind is float:
        if isinstance(value, (list, tuple)):
            return tuple(_typed(one, float) for one in value)
        # Through str: YAML 1.1 reads 1e-3 as a string, and float(True) would pass.
        return float(str(value))
    if isinstance(value, (list, tuple)):
        return tuple(tuple(item) if isinstance(item, list) else item for item in value)
    return value


@dataclasses.dataclass(frozen=True)
class Checked:
    """Base of dataclasses whose fields are checked, however they are made."""

    _prefix: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            rule, received = field.metadata["rule"], getattr(self, field.name)
            try:
                value = _typed(received, type(field.default))
                accepted = rule.allows(value)
            except (TypeError, ValueError):  # a list of numbers where one is due
                accepted = False
            if not accepted:
                key = self._prefix + field.name
                raise invalid(key, rule.expected, received, rule.choices)
            object.__setattr__(self, field.name, value)  # the class is frozen


def expect_unused(
    config: Checked, choice: str, used_by: Mapping[str, tuple[str, ...]]
) -> None:
    """Expects the defaults of settings that the choice does not use.

    Args:
        config: A section.
        choice: Name of the setting that decides.
        used_by: For values of the choice, the settings that it uses. Those that no
            choice uses are not looked at.

    Raises:
        ConfigError: If one is set that is not used.
    """
    chosen = getattr(config, choice)
    for name in [one for ones in used_by.values() for one in ones]:
        default, received = getattr(type(config), name), getattr(config, name)
        if name not in used_by.get(chosen, ()) and received != default:
            prefix = config._prefix
            raise ConfigError(
                f"{prefix}{name}: expected its default, {default}, beside "
                f"{prefix}{choice}={chosen}, which does not use it, "
                f"received {received}",
                f"{prefix}{name}",
            )
