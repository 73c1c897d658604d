"""Architectures as sequences of tokens, for networks that read and write them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import keras_tuner
import numpy as np

from gtn_tf.errors import ArgumentError
from gtn_tf.search.choices import options

_MOST = 256  # values of one hyperparameter


class SequenceEncoding:
    """Writes the values of a space's hyperparameters as a sequence of tokens.

    There is one token for each hyperparameter, in the order of their declaration.
    Hyperparameters whose lists of values begin alike are of one kind and share tokens:
    in the space of NAO all operations, and all inputs.

    Args:
        space: The hyperparameters, each with a finite number of values and none
            depending on another.

    Attributes:
        length: Tokens of a sequence.
        vocabulary: Number of tokens, which are `0` to `vocabulary - 1`.
        allowed: bool `[length, vocabulary]`, the tokens of each place.
        group: Tokens that belong together: 2 in the space of NAO, an input and its
            operation; else 1.
        branches: int `[nodes, 2, group]`, the places of two branches that are added,
            and may be exchanged.

    Raises:
        ArgumentError: If there is another hyperparameter.

    Example:

    >>> hp = keras_tuner.HyperParameters()
    >>> _ = hp.Choice("first", ["a", "b", "c"]), hp.Choice("second", ["a", "b"])
    >>> encoding = SequenceEncoding(hp)
    >>> encoding.tokens({"first": "c", "second": "b"})
    array([2, 1], dtype=int32)
    >>> encoding.values([2, 1])
    {'first': 'c', 'second': 'b'}
    >>> encoding.by_value([[0.2, 0.3, 0.5], [0.4, 0.6, 0.0]])["second"]
    {'a': 0.4, 'b': 0.6}
    >>> encoding.allowed.astype(int)
    array([[1, 1, 1],
           [1, 1, 0]])
    """

    def __init__(self, space: keras_tuner.HyperParameters) -> None:
        if not space.space:
            raise ArgumentError("expected a space with hyperparameters, received none")
        self._options = {one.name: _options(one) for one in space.space}
        self._defaults = {one.name: one.default for one in space.space}
        kinds: list[list[Any]] = []
        kind_of = [_kind(among, kinds) for among in self._options.values()]
        starts = np.cumsum([0, *map(len, kinds)])
        self._first = starts[kind_of]
        self.length = len(self._options)
        self.vocabulary = int(starts[-1])
        self.allowed = np.zeros([self.length, self.vocabulary], bool)
        sizes = map(len, self._options.values())
        for row, first, size in zip(self.allowed, self._first, sizes):
            row[first : first + size] = True
        self.branches = _branches([*self._options])
        in_branches = self.branches.size == self.length
        self.group = self.branches.shape[2] if in_branches else 1

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SequenceEncoding):
            return NotImplemented
        return [*self._options.items()] == [*other._options.items()]

    def tokens(self, values: Mapping[str, Any]) -> np.ndarray:
        """The sequence of an architecture.

        Args:
            values: Of the hyperparameters; one that is missing has its default.

        Returns:
            int32 `[length]`.
        """
        found = [
            among.index(values.get(name, self._defaults[name]))
            for name, among in self._options.items()
        ]
        return (self._first + found).astype(np.int32)

    def values(self, tokens: Any) -> dict[str, Any]:
        """The values of a sequence.

        Args:
            tokens: `[length]`, each allowed in its place.
        """
        places = np.asarray(tokens) - self._first
        named = zip(self._options.items(), places.tolist())
        return {name: among[place] for (name, among), place in named}

    def by_value(self, of_tokens: Any) -> dict[str, dict[Any, float]]:
        """Numbers of the tokens as those of each hyperparameter's values.

        Args:
            of_tokens: `[length, vocabulary]`.
        """
        places = zip(self._options.items(), self._first, np.asarray(of_tokens).tolist())
        return {
            name: dict(zip(among, numbers[first:]))
            for (name, among), first, numbers in places
        }

    def canonical(self, tokens: np.ndarray) -> tuple[int, ...]:
        """The same for two sequences if they differ only in the order of branches.

        Args:
            tokens: `[length]`.
        """
        ordered = np.array(tokens)
        for pair in self.branches:
            ordered[pair] = sorted(ordered[pair].tolist())
        return tuple(ordered.tolist())

    def exchange(self, tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Exchanges the branches of about half of the nodes, chosen at random.

        Args:
            tokens: int32 `[n, length]`.
            rng: Source of the choice.

        Returns:
            Sequences of the same architectures, of the same shape.
        """
        changed = tokens.copy()
        for pair in self.branches:
            chosen = np.flatnonzero(rng.integers(2, size=len(tokens)))[:, None]
            changed[chosen, pair[0]] = tokens[chosen, pair[1]]
            changed[chosen, pair[1]] = tokens[chosen, pair[0]]
        return changed


def _options(one: Any) -> list[Any]:
    kinds = keras_tuner.engine.hyperparameters
    finite = isinstance(one, (kinds.Choice, kinds.Boolean, kinds.Fixed)) or (
        isinstance(one, kinds.Int) and one.step is not None
    )
    if (
        not finite
        or one.conditions
        or len([*itertools.islice(one.values, _MOST)]) == _MOST
    ):
        raise ArgumentError(
            "expected a space of choices that do not depend on each other, such as a "
            f"cell space, each with less than {_MOST} values, received {one}; take "
            "another search method"
        )
    return options(one)


def _kind(among: list[Any], kinds: list[list[Any]]) -> int:
    """The number of the kind of these values, added to `kinds` if it is new."""
    for number, kind in enumerate(kinds):
        shared = min(len(kind), len(among))
        if _typed(kind[:shared]) == _typed(among[:shared]):
            kinds[number] = max(kind, among, key=len)
            return number
    kinds.append(among)
    return len(kinds) - 1


def _typed(values: list[Any]) -> list[tuple[type, Any]]:
    return [(type(value), value) for value in values]  # True == 1


def _branches(names: list[str]) -> np.ndarray:
    """Places of `*_input_a`, `*_op_a`, and of the same of the branch b."""
    ends = ("input_a", "op_a", "input_b", "op_b")
    nodes = [name.removesuffix(ends[0]) for name in names if name.endswith(ends[0])]
    found = [
        [names.index(node + end) for end in ends]
        for node in nodes
        if all(node + end in names for end in ends)
    ]
    return np.array(found, int).reshape([-1, 2, 2])
