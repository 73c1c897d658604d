"""PyTorch's part of the agreement: gtn_tf's weights in its networks, and the logits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from ranking.problem import Setting, draw_cells
from ranking.torch_blocks import Conv, Norm
from ranking.torch_cells import NETWORKS


def arrays(setting: Setting, ours: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays that PyTorch's process saves.

    Args:
        setting: Sizes.
        ours: What gtn_tf's process saved.
    """
    found = {}
    images = torch.tensor(np.moveaxis(ours["images"], -1, 1).copy())
    for space, make in NETWORKS.items():
        for number, text in enumerate(draw_cells(space, 1 + setting.candidates)):
            one = f"{space}/{number}/"
            network = make(text, setting.cells, setting.filters).eval()
            count = sum(weight.numel() for weight in network.parameters())
            found[f"{one}params"] = np.array(count)
            copy(network, {k[len(one) :]: a for k, a in ours.items() if one in k})
            with torch.no_grad():
                found[f"{one}logits"] = network(images).numpy()
    return found


def copy(network: nn.Module, weights: Mapping[str, np.ndarray]) -> None:
    """Copies gtn_tf's weights, layer by layer in the order in which they were made.

    Args:
        network: A network of the same cell.
        weights: As `ranking.weights_gtn_tf.weights` names them.
    """
    convs = [layer for layer in network.modules() if isinstance(layer, Conv)]
    norms = [layer for layer in network.modules() if isinstance(layer, Norm)]
    with torch.no_grad():
        for number, conv in enumerate(convs):
            kernel = weights[f"conv_{number}"].transpose(3, 2, 0, 1)
            conv.weight.copy_(torch.tensor(kernel.copy()))
        for number, norm in enumerate(norms):
            own = norm.weight, norm.bias, norm.running_mean, norm.running_var
            for tensor, array in zip(own, weights[f"norm_{number}"]):
                tensor.copy_(torch.tensor(array))
        dense = network.head.dense
        dense.weight.copy_(torch.tensor(weights["dense_kernel"].T.copy()))
        dense.bias.copy_(torch.tensor(weights["dense_bias"]))
