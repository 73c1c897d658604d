"""The mappings of a YAML file as nodes, which know their lines and all their keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from gtn_tf.config.rules import ConfigError, refuse

_MERGE = "tag:yaml.org,2002:merge"  # of the key << unless it is quoted


class Entry(NamedTuple):
    """A value of a mapping, not read yet, and the line of its key."""

    line: int
    node: yaml.Node


class Nodes:
    """What PyYAML composed of a file.

    Args:
        loader: That composed it.
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
        """The error of a key that is on two lines."""
        return ConfigError(
            f"{self.place(line)}: {key}: expected once, received on line {before} too"
        )

    def entries(self, mapping: yaml.MappingNode, prefix: str = "") -> dict[str, Entry]:
        """What is in a mapping by key, with all that it merges by `<<: *anchor`.

        As YAML has it, a mapping's own keys win, and of several merged mappings the
        earlier; values that are mappings themselves are not merged.

        Args:
            mapping: Of the file.
            prefix: Of the keys in errors, such as `"meta."`.

        Raises:
            ConfigError: If a key is given twice, or what is merged is no mapping.
        """
        if mapping not in self._known:  # many may merge one: it is read once
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
            f"{self.place(merge.line)}: {refuse('<<', expected, received)}"
        )
