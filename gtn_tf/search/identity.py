"""Identifies the settings of a search, so that scores of different ones never mix."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gtn_tf.data.stored_images import Images, StoredImages, pieces
from gtn_tf.search.data import ScoringData
from gtn_tf.search.errors import SearchError
from gtn_tf.search.scorers import Scorer
from gtn_tf.teaching import TrainedTeacher

_EXAMPLES = 256  # that identify a `tf.data.Dataset`

Identity = dict[str, str]


def identity(
    ranking: Sequence[Scorer],
    recorded: Iterable[Scorer],
    networks: Identity,
    data: ScoringData,
    seed: int,
) -> Identity:
    """Lists everything that determines the scores.

    Args:
        ranking: The scorers that determine the rank.
        recorded: Scorers whose scores are only recorded.
        networks: Identifies the candidates, such as by `of_networks`.
        data: Real data.
        seed: Of the candidates and their weights.

    Returns:
        A short text for each setting.
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
    """Identifies the candidates of a search.

    Args:
        candidate: The network of the default hyperparameters.
        space: Of the hyperparameters, as KerasTuner describes it.
    """
    layers = [_layer(one) for one in _layers(candidate)]
    return {"search space": _digest(_plain(space)), "network": _digest(layers)}


def differences(before: Identity, now: Identity) -> list[str]:
    """The differences of two searches, in the settings that both list.

    Args:
        before: Of the existing search.
        now: Of the requested search.

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
    """Checks that new scores are comparable with the existing ones.

    Args:
        before: Of the existing scores.
        now: Of the new scores.
        place: File or folder of the existing scores.
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
    """The class of an object, and its public attributes, each as a short text.

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
    """A JSON value, the same in every process."""
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
    except (AttributeError, NotImplementedError):  # a user's layer may have none
        return type(layer).__name__, shapes
    # Keras numbers names within a process.
    text = re.sub(r'"(name|\w+_name)": "\w+"', "", json.dumps(config, sort_keys=True))
    return type(layer).__name__, shapes, re.sub(r"_\d+\b", "", text)


def _without_newer_keys(config: Any) -> Any:
    """A layer's configuration as Keras 2.15 writes it: the same on both stacks."""
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
        parts = [
            part if isinstance(part, StoredImages) else np.ascontiguousarray(part)
            for part in data
        ]
        return " ".join(f"{list(p.shape)} {_digest_of_bytes(p)}" for p in parts)
    spec = f"{_digest(str(data.element_spec))} {int(data.cardinality())} batches"
    first, again = _first_examples(data), _first_examples(data)
    # A shuffled or augmented dataset differs each time: only its shape identifies it.
    return f"{spec} {first}" if first == again else spec


def _first_examples(data: tf.data.Dataset) -> str:
    batches = data.unbatch().take(_EXAMPLES).batch(_EXAMPLES)
    parts = [tf.nest.flatten(batch) for batch in batches.as_numpy_iterator()]
    return _digest([_digest_of_bytes(part) for part in tf.nest.flatten(parts)])


def _digest(plain: Any) -> str:
    text = json.dumps(plain, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()[:12]


def _digest_of_bytes(array: Images) -> str:
    digest = hashlib.blake2b(f"{array.dtype} {array.shape}".encode())
    for piece in pieces(array):
        digest.update(np.ascontiguousarray(piece).data)
    return digest.hexdigest()[:12]
