"""Limits the size of a configuration file with its aliases expanded."""

from __future__ import annotations

import yaml

from gtn_tf.config.rules import ConfigError

_MOST = 10_000  # entries; a preset has about a hundred


def expect_bounded(root: yaml.Node | None, origin: object) -> None:
    """Checks that the aliases (`*name`) of a YAML file do not expand without end.

    Args:
        root: The parsed file; `None` if it was empty.
        origin: The file, for the error.

    Raises:
        ConfigError: If it has too many entries.
    """
    if root is not None and _entries(root, {}) > _MOST:
        raise ConfigError(
            f"{origin}: expected at most {_MOST} entries, received more, with each "
            "alias as long as what it stands for"
        )


def _entries(node: yaml.Node, known: dict[int, int]) -> int:
    """Counts a node and all below it; each is visited once."""
    if id(node) not in known:
        known[id(node)] = 1  # ends at a node inside itself
        below = node.value if isinstance(node, yaml.CollectionNode) else []
        if isinstance(node, yaml.MappingNode):
            below = [one for pair in below for one in pair]
        known[id(node)] = 1 + sum(_entries(one, known) for one in below)
    return known[id(node)]
