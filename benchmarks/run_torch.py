"""The meta-gradient in PyTorch: plain, in four ways, and with two libraries."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch._dynamo.exc import BackendCompilerFailed
from torch.utils.checkpoint import checkpoint

from giving_up import COMPILE_LIMIT, GaveUp
from job import Job
from machine import CORES
from problem import LEARNING_RATE, MOMENTUM, Problem
from torch_model import Layout, Tensors, generator, learner

_FORMATS = {"torch_channels_last": torch.channels_last}
_RATES = ("log_learning_rate", "log_momentum")


class _Run:
    """The problem's tensors, and code shared by all implementations."""

    def __init__(
        self,
        problem: Problem,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> None:
        self.layout = Layout(problem.size, memory_format)
        self.q = self.layout.meta(problem)
        for variable in self.q.values():
            variable.requires_grad_()
        self.fresh = self.layout.learner(problem)
        self.names = list(self.fresh)
        self.labels = torch.tensor(problem.labels).long()
        self.images = self.layout.images(problem)
        self.image_labels = torch.tensor(problem.image_labels).long()
        self.steps = problem.size.steps

    def batch(self, t: int) -> tuple[torch.Tensor, torch.Tensor]:
        labels = self.labels[t]
        latents = self.q["latents"][t]
        images = generator(self.q, latents, labels, self.layout.memory_format)
        return images, labels

    def rates(self, t: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.q[_RATES[0]][t].exp(), self.q[_RATES[1]][t].exp()

    def module(self) -> torch.nn.Module:
        """A fresh learner in the libraries' form."""
        return _Learner(self.fresh)

    def gradient(self, logits: torch.Tensor, without: tuple[str, ...] = ()) -> Tensors:
        """The meta-gradient, from the logits of the meta-batch."""
        meta_loss = F.cross_entropy(logits, self.image_labels)
        wanted = {n: v for n, v in self.q.items() if n not in without}
        return dict(zip(wanted, torch.autograd.grad(meta_loss, list(wanted.values()))))


class _Learner(torch.nn.Module):
    def __init__(self, weights: Tensors) -> None:
        super().__init__()
        self.names = list(weights)
        self.weights = torch.nn.ParameterList(
            [torch.nn.Parameter(w.clone()) for w in weights.values()]
        )

    def forward(self, x: torch.Tensor, means: Any = None) -> Any:
        return learner(dict(zip(self.names, self.weights)), x, means)


def build(name: str, problem: Problem) -> Job:
    """Makes the job of one of the six implementations."""
    torch.set_num_threads(CORES)
    run = _Run(problem, _FORMATS.get(name, torch.contiguous_format))
    if name == "torch_compile":
        step = torch.compile(_functional_step, fullgraph=True)
        compute = partial(_compiled, step=step)
    else:
        compute = {
            "torch": _plain,
            "torch_channels_last": _plain,
            "torch_checkpoint": _checkpointed,
            "higher": _higher,
            "torchopt": _torchopt,
        }[name]
    packages = ("torch", name) if name in ("higher", "torchopt") else ("torch",)
    return Job(
        lambda: compute(run),
        run.layout.canonical,
        packages,
        limit=COMPILE_LIMIT if name == "torch_compile" else None,
    )


def _step(run: _Run, t: int, *state: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """One inner step; the state is weights, velocities and the batch's means."""
    count = len(run.names)
    weights, velocity = state[:count], state[count : 2 * count]
    learning_rate, momentum = run.rates(t)
    images, labels = run.batch(t)
    logits, means = learner(dict(zip(run.names, weights)), images)
    loss = F.cross_entropy(logits, labels)
    gradients = torch.autograd.grad(loss, weights, create_graph=True)
    velocity = [momentum * v + g for v, g in zip(velocity, gradients)]
    weights = [w - learning_rate * v for w, v in zip(weights, velocity)]
    return (*weights, *velocity, *means)


def _plain(run: _Run, step: Callable[..., tuple[torch.Tensor, ...]] = _step) -> Tensors:
    weights = [w.clone().requires_grad_() for w in run.fresh.values()]
    state = (*weights, *(torch.zeros_like(w) for w in weights))
    for t in range(run.steps):
        state = step(run, t, *state)
    count = len(run.names)
    logits, _ = learner(
        dict(zip(run.names, state[:count])), run.images, list(state[2 * count :])
    )
    return run.gradient(logits)


def _checkpointed(run: _Run) -> Tensors:
    def step(run: _Run, t: int, *state: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return checkpoint(
            _step, run, t, *state, use_reentrant=False, preserve_rng_state=False
        )

    return _plain(run, step)


def _compiled(run: _Run, step: Callable[..., tuple[Any, Any, Any]]) -> Tensors:
    """With each inner step compiled; the first compiles, for all of them."""
    try:
        return _functional(run, step)
    except BackendCompilerFailed as error:  # where there is no C++ compiler, say
        raise GaveUp(f"did not compile: {str(error).splitlines()[0]}") from error


def _functional(run: _Run, step: Callable[..., tuple[Any, Any, Any]]) -> Tensors:
    """As `_plain`, with steps that are pure functions."""
    # Weights and velocities need a gradient in the first step, too, which saves a
    # second compilation.
    weights = {name: w.clone().requires_grad_() for name, w in run.fresh.items()}
    velocity = {name: torch.zeros_like(w) for name, w in weights.items()}
    velocity = {name: v.requires_grad_() for name, v in velocity.items()}
    generated = {n: v for n, v in run.q.items() if n not in ("latents", *_RATES)}
    for t in range(run.steps):
        lesson = run.q["latents"][t], run.labels[t], *run.rates(t)
        weights, velocity, means = step(
            generated, *lesson, weights, velocity, run.layout.memory_format
        )
    logits, _ = learner(weights, run.images, means)
    return run.gradient(logits)


def _functional_step(
    q: Tensors,
    latents: torch.Tensor,
    labels: torch.Tensor,
    learning_rate: torch.Tensor,
    momentum: torch.Tensor,
    weights: Tensors,
    velocity: Tensors,
    memory_format: torch.memory_format,
) -> tuple[Tensors, Tensors, list[torch.Tensor]]:
    """One inner step without `autograd.grad`, which torch.compile cannot compile.

    With `torch.func.grad` the inner gradient is part of the differentiated function,
    and its derivative is the compiled step's only backward pass.
    """
    images = generator(q, latents, labels, memory_format)

    def loss(weights: Tensors) -> tuple[torch.Tensor, list[torch.Tensor]]:
        logits, means = learner(weights, images)
        return F.cross_entropy(logits, labels), means

    gradients, means = torch.func.grad(loss, has_aux=True)(weights)
    velocity = {n: momentum * v + gradients[n] for n, v in velocity.items()}
    weights = {n: w - learning_rate * velocity[n] for n, w in weights.items()}
    return weights, velocity, means


def _higher(run: _Run) -> Tensors:
    """With learned rates: `override` takes tensors, and gradients reach them."""
    import higher

    module = run.module()
    sgd = torch.optim.SGD(module.parameters(), LEARNING_RATE, MOMENTUM)
    with higher.innerloop_ctx(module, sgd) as (fast, optimizer):
        for t in range(run.steps):
            learning_rate, momentum = run.rates(t)
            images, labels = run.batch(t)
            logits, means = fast(images)
            optimizer.step(
                F.cross_entropy(logits, labels),
                override={"lr": [learning_rate], "momentum": [momentum]},
            )
        logits, _ = fast(run.images, means)
        return run.gradient(logits)


def _torchopt(run: _Run) -> Tensors:
    """Without learned rates: MetaSGD takes one number for all steps."""
    import torchopt

    module = run.module()
    optimizer = torchopt.MetaSGD(module, LEARNING_RATE, MOMENTUM)
    for t in range(run.steps):
        images, labels = run.batch(t)
        logits, means = module(images)
        optimizer.step(F.cross_entropy(logits, labels))
    logits, _ = module(run.images, means)
    return run.gradient(logits, without=_RATES)
