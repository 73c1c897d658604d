"""Configurations in YAML files, and what the command line changes of them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, overload

import yaml

from gtn_tf.config.bounds import expect_bounded
from gtn_tf.config.earlier import Entries, translated, with_augmentations
from gtn_tf.config.nodes import Nodes
from gtn_tf.config.rules import Checked, ConfigError, invalid
from gtn_tf.config.schema import Config
from gtn_tf.errors import closest, did_you_mean, shown

_C = TypeVar("_C", bound=Checked)

_PACKAGE = Path(__file__).resolve().parent.parent
# An installed package carries its presets; a source tree keeps them beside it.
_PRESET_FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs")


@overload
def load_config(path_or_preset: str, overrides: Sequence[str] = ()) -> Config: ...


@overload
def load_config(
    path_or_preset: str, overrides: Sequence[str] = ..., schema: type[_C] = ...
) -> _C: ...


def load_config(
    path_or_preset: str, overrides: Sequence[str] = (), schema: type[Any] = Config
) -> Any:
    """Reads a YAML file or a preset, applies the overrides, checks the result.

    Args:
        path_or_preset: Name of a preset, such as `"digits"`, or path of a YAML file.
            The keys that it leaves out keep their defaults. Sections may merge
            others with YAML's `<<: *anchor`; top-level keys that begin with `x-` are
            ignored, and may hold what is merged.
        overrides: Strings `"section.key=value"`, the value written as in YAML. The
            last one wins.
        schema: Class of the configuration: `Config`, `SearchConfig`,
            `SupernetConfig`, `GHNConfig`, `DartsConfig`, `EnasConfig` or
            `FinalConfig`.

    Returns:
        The checked configuration.

    Raises:
        ConfigError: If there is no such file or preset, or if anything in it cannot
            be used.

    Example:

    >>> load_config("digits", ["meta.iterations=500", "seed=3"]).meta.iterations
    500
    """
    path = _find(path_or_preset)
    found = with_augmentations(_read_file(path, _sections(schema)))
    entries = {**found, **_read_overrides(overrides)}
    # A rule between two keys may be broken by the file and the overrides together.
    return _made(entries, schema, " with ".join([str(path), *overrides]))


def with_overrides(config: _C, overrides: Sequence[str]) -> _C:
    """Changes settings of a configuration.

    Args:
        config: The configuration.
        overrides: As for `load_config`.

    Returns:
        The checked configuration.

    Raises:
        ConfigError: If an override cannot be used.

    Example:

    >>> with_overrides(Config(), ["meta.iterations=500"]).meta.iterations
    500
    """
    given = {key: (value, "the settings") for key, value in _flatten(config).items()}
    entries = {**given, **_read_overrides(overrides)}
    return _made(entries, type(config), " with ".join(["the settings", *overrides]))


def _made(entries: Entries, schema: type[Any], together: str) -> Any:
    """Makes a configuration; an error names the origin of its key, or `together`."""
    sections = _sections(schema)
    if schema is Config:
        entries = translated(entries)
    values: dict[str, dict[str, Any]] = {section: {} for section in ("", *sections)}
    try:
        for key, (value, _) in entries.items():
            if key in sections:
                raise invalid(key, "a section with keys", value)
            if key not in _flatten(schema()):
                raise _unknown(key, schema)
            section, _, name = key.rpartition(".")
            values[section][name] = value
        made = {name: kind(**values[name]) for name, kind in sections.items()}
        return schema(**values[""], **made)
    except ConfigError as error:
        _, origin = entries.get(error.key, (None, together))
        raise ConfigError(f"{origin}: {error}", error.key) from None


def to_yaml(config: Checked) -> str:
    """Writes a configuration as YAML that `load_config` reads back, in schema order.

    Args:
        config: The configuration.

    Returns:
        The YAML text.

    Example:

    >>> to_yaml(Config()).splitlines()[:3]
    ['seed: 0', 'data:', '  name: digits']
    """
    return yaml.dump(dataclasses.asdict(config), Dumper=_Dumper, sort_keys=False)


def differences(a: Checked, b: Checked) -> list[str]:
    """Lists the settings in which two configurations differ, in schema order.

    Args:
        a: A configuration.
        b: Another of the same kind.

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


def _flatten(config: Checked) -> dict[str, Any]:
    """Returns `{"seed": 0, "data.name": "digits", ...}`, in schema order."""
    flat: dict[str, Any] = {}
    for name, value in dataclasses.asdict(config).items():
        if isinstance(value, dict):
            flat.update({f"{name}.{key}": entry for key, entry in value.items()})
        else:
            flat[name] = value
    return flat


def _sections(schema: type) -> dict[str, type]:
    return {
        field.name: type(field.default)
        for field in dataclasses.fields(schema)
        if dataclasses.is_dataclass(field.default)
    }


# Top-level keys that begin with this are ignored; others may merge them.
_TEMPLATE = "x-"


def _unknown(key: str, schema: type) -> ConfigError:
    section, _, name = key.rpartition(".")
    sections = _sections(schema)
    every = (*_flatten(schema()), *sections)
    last_words = {known: known.rpartition(".")[2] for known in every}
    # The last word first: a long section name makes all its keys look alike.
    word = closest(name, last_words.values())
    near = [known for known in last_words if last_words[known] == word]
    fields = dataclasses.fields(sections.get(section, schema))
    hint = did_you_mean(key, near, cutoff=0) or (
        f"; expected one of {', '.join(field.name for field in fields)}"
    )
    return ConfigError(f"{key}: unknown key{hint}", key)


def _find(path_or_preset: str) -> Path:
    presets = {
        file.stem: file
        for folder in reversed(_PRESET_FOLDERS)  # the first folder wins
        for file in sorted(folder.glob("*.yaml"))
    }
    path = presets.get(path_or_preset, Path(path_or_preset))
    if path.is_file():
        return path
    raise ConfigError(
        f"{path_or_preset}: expected a file or one of the presets "
        f"{', '.join(sorted(presets))}{did_you_mean(path.stem, presets)}"
    )


def _read_file(path: Path, sections: Container[str]) -> Entries:
    with _yaml_errors(path):
        loader = yaml.SafeLoader(path.read_bytes())
        root = loader.get_single_node()
        expect_bounded(root, path)
        if root is None:  # an empty file: all defaults
            return {}
        if not isinstance(root, yaml.MappingNode):
            received = loader.construct_object(root, deep=True)
            raise invalid(str(path), "sections such as meta:", received)
        return dict(_walk(Nodes(loader, path), root, sections, lines={}))


def _walk(
    nodes: Nodes,
    mapping: yaml.MappingNode,
    sections: Container[str],
    lines: dict[str, int],
    prefix: str = "",
) -> Iterator[tuple[str, tuple[Any, str]]]:
    for name, (line, node) in nodes.entries(mapping, prefix).items():
        key = f"{prefix}{name}"
        if key.startswith(_TEMPLATE):
            continue
        if key in lines:  # as in `meta: {steps: 3}` and `meta.steps: 3`
            raise nodes.given_twice(key, line, lines[key])
        lines[key] = line
        if key in sections and isinstance(node, yaml.MappingNode):
            yield from _walk(nodes, node, sections, lines, f"{key}.")
        else:
            yield key, (nodes.value(node), nodes.place(line))


def _read_overrides(overrides: Sequence[str]) -> Entries:
    entries: Entries = {}
    for override in overrides:
        origin = f"override {shown(override)}"
        key, equals, text = override.partition("=")
        if not equals:
            raise ConfigError(f"{origin}: expected section.key=value, received no '='")
        with _yaml_errors(origin):
            expect_bounded(yaml.compose(text, yaml.SafeLoader), origin)
            entries[key.strip()] = yaml.safe_load(text), origin
    return entries


@contextlib.contextmanager
def _yaml_errors(origin: str | Path) -> Iterator[None]:
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:  # PyYAML's, or any other from a malformed value
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = " ".join(str(getattr(error, "problem", error)).split())
        raise ConfigError(f"{origin}{place}: not valid YAML, {problem}") from None
