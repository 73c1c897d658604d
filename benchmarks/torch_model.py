"""The generator and the learner in PyTorch, with channels first."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from problem import Arrays, Problem, Size

Tensors = dict[str, torch.Tensor]

_SLOPE = 0.1


class Layout:
    """Converts arrays from the problem's layout to PyTorch's, and back.

    Flattened images have another order of features. They are put in PyTorch's order
    beforehand, so that no implementation moves them at each step.

    Args:
        size: The problem's size.
        memory_format: Format of kernels and images. The dimensions' order is the same
            in all, only that of the numbers in memory is not.
    """

    def __init__(
        self, size: Size, memory_format: torch.memory_format = torch.contiguous_format
    ) -> None:
        self.memory_format = memory_format
        self.generated = _channels_first(size.pixels // 4, 2 * size.generator_filters)
        self.learned = _channels_first(-(-size.pixels // 4), size.filters[1])

    def meta(self, problem: Problem) -> Tensors:
        """The variables of the meta-gradient."""
        arrays = {
            name: array[..., self.generated] if _of_images(name) else array
            for name, array in problem.meta.items()
        }
        return {name: self._tensor(array) for name, array in arrays.items()}

    def learner(self, problem: Problem) -> Tensors:
        """A fresh learner's weights."""
        arrays = dict(problem.learner)
        arrays["dense_1/v"] = arrays["dense_1/v"][self.learned]
        return {name: self._tensor(array) for name, array in arrays.items()}

    def images(self, problem: Problem) -> torch.Tensor:
        """The images of the meta-loss."""
        images = torch.tensor(np.moveaxis(problem.images, -1, 1).copy())
        return images.contiguous(memory_format=self.memory_format)

    def canonical(self, tensors: Tensors) -> Arrays:
        """The inverse of `meta`."""
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        back = np.argsort(self.generated)
        return {
            name: array.transpose(2, 3, 1, 0)
            if array.ndim == 4
            else array[..., back]
            if _of_images(name)
            else array
            for name, array in arrays.items()
        }

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        if array.ndim != 4:
            return torch.tensor(array.copy())
        kernel = torch.tensor(array.transpose(3, 2, 0, 1).copy())
        return kernel.contiguous(memory_format=self.memory_format)


def generator(
    q: Tensors,
    latents: torch.Tensor,
    labels: torch.Tensor,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> torch.Tensor:
    """Images `[batch, 1, h, w]` of one step."""
    x = torch.cat([latents, F.one_hot(labels, 10).to(latents.dtype)], dim=-1)
    x = _leaky(_batch_norm(q, "norm_1", x @ _kernel(q, "dense_1")))
    x = _leaky(_batch_norm(q, "norm_2", x @ _kernel(q, "dense_2")))
    kernel = _kernel(q, "conv_1")
    width = int((x.shape[1] // kernel.shape[1]) ** 0.5)
    x = x.reshape(len(x), -1, width, width)
    x = x.contiguous(memory_format=memory_format)  # and so does all after it
    x = _leaky(_batch_norm(q, "norm_3", F.conv2d(_upsample(x), kernel)))
    x = F.conv2d(_upsample(x), _kernel(q, "conv_2"), q["conv_2/bias"])
    return 2 * torch.tanh(x)


def learner(
    p: Tensors, x: torch.Tensor, means: list[torch.Tensor] | None = None
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits, and the mean that each batch norm subtracted.

    Args:
        p: Weights.
        x: Images.
        means: For evaluation, the means to subtract; otherwise those of the batch.
    """
    subtracted = []

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        axes = (0, 2, 3) if x.ndim == 4 else (0,)
        mean = means[len(subtracted)] if means else x.mean(axes, keepdim=True)
        subtracted.append(mean)
        return _leaky(x - mean + _per_channel(p[f"{name}/beta"], x))

    for i in ("1", "2"):
        x = F.conv2d(x, _kernel(p, f"conv_{i}"), padding=1)
        # As TensorFlow's "SAME": an even width is padded behind, an odd one around.
        x = F.max_pool2d(x, 3, 2, padding=x.shape[-1] % 2, ceil_mode=True)
        x = norm(x, f"norm_{i}")
    x = x.flatten(1) @ _kernel(p, "dense_1") + p["dense_1/bias"]
    x = norm(x, "norm_3")
    return x @ _kernel(p, "dense_2") + p["dense_2/bias"], subtracted


def _kernel(weights: Tensors, name: str) -> torch.Tensor:
    g, v = weights[f"{name}/g"], weights[f"{name}/v"]
    if v.ndim == 4:
        return v * (g / v.flatten(1).norm(dim=1))[:, None, None, None]
    return v * (g / v.norm(dim=0))


def _batch_norm(q: Tensors, name: str, x: torch.Tensor) -> torch.Tensor:
    axes = (0, 2, 3) if x.ndim == 4 else (0,)
    variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    scale = _per_channel(q[f"{name}/gamma"], x) * torch.rsqrt(variance + 1e-5)
    return (x - mean) * scale + _per_channel(q[f"{name}/beta"], x)


def _per_channel(vector: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return vector[:, None, None] if x.ndim == 4 else vector


def _upsample(x: torch.Tensor) -> torch.Tensor:
    return F.pad(F.interpolate(x, scale_factor=2), (1, 1, 1, 1), mode="reflect")


def _leaky(x: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu(x, _SLOPE)


def _of_images(name: str) -> bool:
    return name.startswith(("dense_2/", "norm_2/"))


def _channels_first(width: int, channels: int) -> np.ndarray:
    """For each feature of a row with channels first, its place with channels last."""
    places = np.arange(width * width * channels)
    return places.reshape(width * width, channels).T.ravel()
