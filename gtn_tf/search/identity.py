"""What makes the scores of a search, so that those of different ones never mix."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.search.data import ScoringData
from gtn_tf.search.errors import SearchError
from gtn_tf.search.scorers import Scorer
from gtn_tf.teaching import TrainedTeacher

_EXAMPLES = 256  # of a `tf.data.Dataset` that stand for all of it

Identity = dict[str, str]


def identity(
    ranking: Sequence[Scorer],
    recorded: Iterable[Scorer],
    networks: Identity,
    data: ScoringData,
    seed: int,
) -> Identity:
    """Writes down what scores follow from.

    Args:
        ranking: The scorers that rank.
        recorded: Those whose scores are kept beside.
        networks: What the candidates are, as `of_networks` says it, or otherwise.
        data: Real data.
        seed: Of the candidates and their weights.

    Returns:
        For each thing that counts, a short text.
    """
    found = {"seed": str(seed), "scorer": ", ".join(one.name for one in ranking)}
    for scorer in (*ranking, *recorded):
        for key, value in settings_of(scorer).items():
            found[f"{scorer.name}.{key}"] = value
    found.update(networks)
    found["training data"] = _of_data(data.train)
    found["validation data"] = _of_data(data.validation)
    found["batch_size"] = str(data.batch_size)
    return found


def of_networks(candidate: tf.keras.Model, space: Any) -> Identity:
    """What the candidates of a search are.

    Args:
        candidate: The network of the default hyperparameters.
        space: Of the hyperparameters, as KerasTuner describes it.
    """
    layers = [_layer(one) for one in _layers(candidate)]
    return {"search space": _digest(_plain(space)), "network": _digest(layers)}


def differences(before: Identity, now: Identity) -> list[str]:
    """In what two searches differ, of what both know.

    Args:
        before: Of the search that is there.
        now: Of the one that is asked for.

    Example:

    >>> differences({"seed": "0", "gtn_score.steps": "3"}, {"gtn_score.steps": "48"})
    ['gtn_score.steps: 3 != 48']
    """
    return [
        f"{key}: {before[key]} != {value}"
        for key, value in now.items()
        if key in before and before[key] != value
    ]


def expect_same(before: Identity, now: Identity, place: str, advice: str) -> None:
    """Checks that scores may be added to those that are there.

    Args:
        before: Of the scores that are there.
        now: Of those that are asked for.
        place: Where they are.
        advice: What to do.

    Raises:
        SearchError: If they differ.
    """
    different = differences(before, now)
    if different:
        raise SearchError(
            f"{place}: holds scores that cannot be compared with those asked for "
            f"({'; '.join(different)}); {advice}"
        )


def settings_of(thing: Any) -> dict[str, str]:
    """The class of an object, and its public attributes, each in a short text.

    Args:
        thing: A scorer, or a space.
    """
    public = {k: v for k, v in vars(thing).items() if not k.startswith("_")}
    return {"kind": type(thing).__name__, **{k: _text(v) for k, v in public.items()}}


def _text(value: Any) -> str:
    if isinstance(value, TrainedTeacher):
        return f"{value.description.get('dataset') or 'teacher'} {value.digest}"
    text = json.dumps(_plain(value))
    return text if len(text) <= 80 else _digest(text)


def _plain(value: Any) -> Any:
    """What JSON can hold, the same in every process."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return getattr(value, "__name__", type(value).__name__)


def _layers(model: tf.keras.Model) -> list[tf.keras.layers.Layer]:
    kind, metric = tf.keras.layers.Layer, tf.keras.metrics.Metric
    return [
        one
        for one in model.submodules
        if isinstance(one, kind) and not isinstance(one, metric)
    ]


def _layer(layer: tf.keras.layers.Layer) -> Any:
    shapes = [v.shape.as_list() for v in layer.weights]
    try:
        config = _without_newer_keys(_plain(layer.get_config()))
    except (AttributeError, NotImplementedError):  # a user's own may have none
        return type(layer).__name__, shapes
    # Names count up within a process.
    text = re.sub(r'"(name|\w+_name)": "\w+"', "", json.dumps(config, sort_keys=True))
    return type(layer).__name__, shapes, re.sub(r"_\d+\b", "", text)


def _without_newer_keys(config: Any) -> Any:
    """A layer's configuration as Keras 2.15 writes it, so that searches cross over."""
    if isinstance(config, list):
        return [_without_newer_keys(one) for one in config]
    if not isinstance(config, dict):
        return config
    newer = {"build_config"} | (
        {"optional"} if config.get("optional") is False else set()
    )
    return {k: _without_newer_keys(v) for k, v in config.items() if k not in newer}


def _of_data(data: Any) -> str:
    if data is None:
        return "none"
    if not isinstance(data, tf.data.Dataset):
        parts = [np.ascontiguousarray(part) for part in data]
        return " ".join(f"{list(p.shape)} {_digest_of_bytes(p)}" for p in parts)
    spec = f"{_digest(str(data.element_spec))} {int(data.cardinality())} batches"
    first, again = _first_examples(data), _first_examples(data)
    # One that is shuffled or augmented is never the same twice: its shape has to do.
    return f"{spec} {first}" if first == again else spec


def _first_examples(data: tf.data.Dataset) -> str:
    batches = data.unbatch().take(_EXAMPLES).batch(_EXAMPLES)
    parts = [tf.nest.flatten(batch) for batch in batches.as_numpy_iterator()]
    return _digest([_digest_of_bytes(part) for part in tf.nest.flatten(parts)])


def _digest(plain: Any) -> str:
    text = json.dumps(plain, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()[:12]


def _digest_of_bytes(array: np.ndarray) -> str:
    about = f"{array.dtype} {array.shape}".encode()
    return hashlib.blake2b(about + np.ascontiguousarray(array).data).hexdigest()[:12]
