"""The same scoring in PyTorch, eager: train, re-estimate batch norm, validate."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from machine import CORES
from ranking.problem import (
    LEARNING_RATE,
    MOMENTUM,
    SEED,
    Data,
    Setting,
    make_data,
)
from ranking.ranker import Ranker
from ranking.torch_blocks import Norm
from ranking.torch_cells import NETWORKS

_FORMATS = {
    "torch": torch.contiguous_format,
    "torch_channels_last": torch.channels_last,
}
_CLIPNORM = 0.5  # of each tensor's gradient, as gtn_tf clips
_BN_BATCHES = 32  # batches for the moving averages, as in gtn_tf
_EVALUATED = 500  # images at once, as in gtn_tf


@contextmanager
def ranker(
    name: str, space: str, setting: Setting, steps: int, images: int
) -> Iterator[Ranker]:
    """Prepares a contender.

    Args:
        name: `"torch"` or `"torch_channels_last"`.
        space: One of the spaces.
        setting: Sizes.
        steps: Steps of SGD.
        images: Validation images.

    Yields:
        The contender, ready to score.
    """
    torch.set_num_threads(CORES)
    memory_format = _FORMATS[name]
    data = _Tensors(make_data(setting), images, memory_format)

    def score(genotype: str) -> float:
        torch.manual_seed(SEED)
        network = NETWORKS[space](genotype, setting.cells, setting.filters)
        network = network.to(memory_format=memory_format)
        batches = data.batches(steps, setting.batch_size)
        train(network, data, batches)
        reestimate_batch_norm(network, data, batches[:_BN_BATCHES])
        return data.accuracy(network)

    yield Ranker(score, ("torch",))


def together(
    name: str, space: str, setting: Setting, first: str, others: Sequence[str]
) -> dict[str, float]:
    """Times candidates that are scored at the same time, each on one core.

    Args:
        name: As for `ranker`.
        space: One of the spaces.
        setting: Sizes.
        first: The first candidate, which is not timed.
        others: The others.

    Returns:
        Seconds of all together, on threads and in processes.
    """
    asked = name, space, setting, setting.steps, setting.validation_images
    with ranker(*asked) as made:
        torch.set_num_threads(1)
        made.score(first)
        with ThreadPoolExecutor(CORES) as threads:
            found = {"threads": _seconds(threads.map, made.score, others)}
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(CORES + 1)
    with context.Pool(CORES, _begin, (ready, first, *asked)) as processes:
        ready.wait()
        found["processes"] = _seconds(processes.imap, _score, others)
    return found


def _seconds(
    run: Callable[..., Iterator[float]], score: Any, texts: Sequence[str]
) -> float:
    began = time.perf_counter()
    list(run(score, texts))
    return time.perf_counter() - began


_own: list[Any] = []  # the ranker of a process, and its context


def _begin(ready: Any, first: str, *asked: Any) -> None:
    context = ranker(*asked)
    _own.extend((context.__enter__(), context))
    torch.set_num_threads(1)
    _score(first)
    ready.wait()


def _score(text: str) -> float:
    return _own[0].score(text)


class _Tensors:
    """The data with channels first."""

    def __init__(
        self, data: Data, images: int, memory_format: torch.memory_format
    ) -> None:
        def first(array: np.ndarray) -> torch.Tensor:
            tensor = torch.tensor(np.moveaxis(array, -1, 1).copy())
            return tensor.contiguous(memory_format=memory_format)

        self.images = first(data.train_images)
        self.labels = torch.tensor(data.train_labels).long()
        self._validation = first(data.validation_images[:images])
        self._expected = torch.tensor(data.validation_labels[:images]).long()

    def batches(self, steps: int, size: int) -> torch.Tensor:
        """Indices of images, `[steps, size]`, shuffled in each epoch."""
        epochs = -(-steps * size // len(self.images))
        orders = [torch.randperm(len(self.images)) for _ in range(epochs)]
        return torch.cat(orders)[: steps * size].reshape(steps, size)

    def accuracy(self, network: nn.Module) -> float:
        network.eval()
        correct = 0
        with torch.inference_mode():
            pairs = zip(
                self._validation.split(_EVALUATED), self._expected.split(_EVALUATED)
            )
            for images, labels in pairs:
                correct += int((network(images).argmax(1) == labels).sum())
        return correct / len(self._expected)


def train(network: nn.Module, data: _Tensors, batches: torch.Tensor) -> None:
    """Takes an SGD step with each batch."""
    network.train()
    weights = list(network.parameters())
    optimizer = torch.optim.SGD(weights, LEARNING_RATE, MOMENTUM, fused=True)
    for chosen in batches:
        optimizer.zero_grad()
        F.cross_entropy(network(data.images[chosen]), data.labels[chosen]).backward()
        _clip([weight.grad for weight in weights])
        optimizer.step()


def _clip(gradients: list[torch.Tensor]) -> None:
    """Clips all at once: a call of `clip_grad_norm_` for each is slower."""
    norms = torch.stack(torch._foreach_norm(gradients))
    shares = (_CLIPNORM / norms).clamp_(max=1.0)
    torch._foreach_mul_(gradients, list(shares.unbind()))


def reestimate_batch_norm(
    network: nn.Module, data: _Tensors, batches: torch.Tensor
) -> None:
    """Re-estimates batch norm with the final weights, as `SettleBatchNorm` does."""
    norms = [layer for layer in network.modules() if isinstance(layer, Norm)]
    for norm in norms:
        norm.running_mean.zero_()
        norm.running_var.zero_()
    with torch.no_grad():
        for chosen in batches:
            network(data.images[chosen])
        for norm in norms:
            share = 1 - (1 - norm.momentum) ** len(batches)
            norm.running_mean /= share
            norm.running_var /= share
