"""The mappings of a YAML file as nodes, with line numbers and all keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from gtn_tf.config.rules import ConfigError, invalid

_MERGE = "tag:yaml.org,2002:merge"  # of the key << unless it is quoted


class Entry(NamedTuple):
    """A value of a mapping, not yet converted, and the line of its key."""

    line: int
    node: yaml.Node


class Nodes:
    """A YAML file as PyYAML composes it.

    Args:
        loader: The loader that composed it.
        path: The file, for errors.
    """

    def __init__(self, loader: yaml.SafeLoader, path: Path) -> None:
        self._loader, self._path = loader, path
        self._known: dict[yaml.MappingNode, dict[str, Entry] | None] = {}

    def value(self, node: yaml.Node) -> Any:
        """The Python value of a node."""
        return self._loader.construct_object(node, deep=True)

    def place(self, line: int) -> str:
        """A line of the file, as errors name it."""
        return f"{self._path}, line {line}"

    def given_twice(self, key: str, line: int, before: int) -> ConfigError:
        """The error for a key that is on two lines."""
        return ConfigError(
            f"{self.place(line)}: {key}: expected once, received on line {before} too"
        )

    def entries(self, mapping: yaml.MappingNode, prefix: str = "") -> dict[str, Entry]:
        """The entries of a mapping by key, with those merged by `<<: *anchor`.

        As in YAML, a mapping's own keys win, then those of the mapping merged first;
        nested mappings are not merged.

        Args:
            mapping: A mapping of the file.
            prefix: Prefix of the keys in errors, such as `"meta."`.

        Raises:
            ConfigError: If a key is given twice, or a merged value is not a mapping.
        """
        if mapping not in self._known:  # read once, however often it is merged
            self._known[mapping] = None
            self._known[mapping] = self._entries(mapping, prefix)
        known = self._known[mapping]
        if known is None:
            place = self.place(mapping.start_mark.line + 1)
            raise ConfigError(f"{place}: expected a mapping that does not merge itself")
        return known

    def _entries(self, mapping: yaml.MappingNode, prefix: str) -> dict[str, Entry]:
        own: dict[str, Entry] = {}
        for key_node, node in mapping.value:
            merges = key_node.tag == _MERGE
            key = _MERGE if merges else str(self.value(key_node))
            entry = Entry(key_node.start_mark.line + 1, node)
            if key in own:
                shown = "<<" if merges else key
                raise self.given_twice(prefix + shown, entry.line, own[key].line)
            own[key] = entry
        merge = own.pop(_MERGE, None)
        for base in self._bases(merge) if merge else ():
            own = {**self.entries(base, prefix), **own}
        return own

    def _bases(self, merge: Entry) -> list[yaml.MappingNode]:
        several = isinstance(merge.node, yaml.SequenceNode)
        given = merge.node.value if several else [merge.node]
        bases = [base for base in given if isinstance(base, yaml.MappingNode)]
        if len(bases) == len(given):
            return bases
        received = self.value(merge.node)
        expected = "a mapping such as *base, or a list of them"
        raise ConfigError(
            f"{self.place(merge.line)}: {invalid('<<', expected, received)}"
        )
