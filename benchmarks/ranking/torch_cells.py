"""The networks of cells in PyTorch, layer by layer as `gtn_tf.cells` stacks them.

Layers are made in gtn_tf's order, so that weights can be copied in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from ranking.problem import CLASSES
from ranking.torch_blocks import Conv, ConvNorm, FactorizedReduce, Norm, Pool

_EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))  # to a node, from a node
_STEM = 3  # times F channels, in NAO's networks
_COLORS = 3


class Network201(nn.Module):
    """`gtn_tf.cells.network_201`: three stages, a residual block in between.

    Args:
        genotype: As the benchmark writes it.
        cells: N.
        filters: F.
    """

    def __init__(self, genotype: str, cells: int, filters: int) -> None:
        super().__init__()
        ops = re.findall(r"\|(\w+)~", genotype)
        body: list[nn.Module] = [Conv(_COLORS, filters, 3), Norm(filters)]
        for part in range(3):
            width = filters * 2**part
            if part:
                body.append(_Residual(width // 2, width))
            body += [_Cell201(ops, width) for _ in range(cells)]
        self.body = nn.Sequential(*body, Norm(width))
        self.head = _Head(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits `[n, 10]` of images `[n, 3, h, w]`."""
        return self.head(self.body(x))


class _Cell201(nn.Module):
    def __init__(self, ops: list[str], width: int) -> None:
        super().__init__()
        chosen = [(edge, op) for edge, op in zip(_EDGES, ops) if op != "none"]
        needed = {3}  # nodes that the last one depends on
        for (to, source), _ in reversed(chosen):
            needed |= {source} if to in needed else set()
        self.arriving = {node: [] for node in (1, 2, 3) if node in needed}
        operations = []
        for (to, source), op in chosen:
            if to in needed:
                self.arriving[to].append((source, len(operations)))
                operations.append(_operation_201(op, width))
        self.operations = nn.ModuleList(operations)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        nodes = {0: x}
        for node, arriving in self.arriving.items():
            found = [self.operations[i](nodes[source]) for source, i in arriving]
            nodes[node] = _sum(found) if found else x * 0.0
        return nodes[3]


class _Residual(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.long = nn.Sequential(
            ConvNorm(channels, width, 3, 2), ConvNorm(width, width, 3)
        )
        self.short = nn.Sequential(Pool("avg", 2, 2), Conv(channels, width, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.long(x) + self.short(x)


class NetworkNAO(nn.Module):
    """`gtn_tf.cells.cell_network` in the layout `"nao"`.

    Args:
        genotype: 40 integers.
        cells: N.
        filters: F.
    """

    def __init__(self, genotype: str, cells: int, filters: int) -> None:
        super().__init__()
        numbers = [int(word) for word in genotype.split()]
        normal, reduction = numbers[:20], numbers[20:]
        stem = _STEM * filters
        self.stem = nn.Sequential(Conv(_COLORS, stem, 3), Norm(stem))
        stack: list[_CellNAO] = []
        before = previous = stem, 1  # channels, and number of halvings
        for part in range(3):
            for place in range(cells + (part > 0)):
                reduces = part > 0 and place == 0
                cell = _CellNAO(
                    reduction if reduces else normal,
                    before,
                    previous,
                    filters * 2**part,
                    2 if reduces else 1,
                )
                stack.append(cell)
                before, previous = previous, cell.made
        self.cells = nn.ModuleList(stack)
        self.head = _Head(previous[0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits `[n, 10]` of images `[n, 3, h, w]`."""
        before = x = self.stem(x)
        for cell in self.cells:
            before, x = x, cell(before, x)
        return self.head(x)


class _CellNAO(nn.Module):
    def __init__(
        self,
        numbers: list[int],
        before: tuple[int, int],
        previous: tuple[int, int],
        width: int,
        stride: int,
    ) -> None:
        super().__init__()
        self.before = _older(before, previous, width)
        self.previous = _calibrated(previous[0], width)
        self.nodes = [tuple(numbers[i : i + 4]) for i in range(0, len(numbers), 4)]
        self.operations = nn.ModuleList(
            _OPERATIONS[op - 5](width, stride if i < 2 else 1)
            for a, op_a, b, op_b in self.nodes
            for i, op in ((a, op_a), (b, op_b))
        )
        read = {i for a, _, b, _ in self.nodes for i in (a, b)}
        self.ends = [i for i in range(2 + len(self.nodes)) if i not in read]
        self.reduce = nn.ModuleList(
            FactorizedReduce(width, width) if i < 2 and stride > 1 else nn.Identity()
            for i in self.ends
        )
        self.made = len(self.ends) * width, previous[1] * stride

    def forward(self, before: torch.Tensor, previous: torch.Tensor) -> torch.Tensor:
        states = [self.before(before), self.previous(previous)]
        operations = iter(self.operations)
        for a, _, b, _ in self.nodes:
            states.append(next(operations)(states[a]) + next(operations)(states[b]))
        ends = [reduce(states[i]) for i, reduce in zip(self.ends, self.reduce)]
        return ends[0] if len(ends) == 1 else torch.cat(ends, dim=1)


class _Head(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(channels, CLASSES)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense(F.relu(x).mean((2, 3)))


def _sum(found: list[torch.Tensor]) -> torch.Tensor:
    total = found[0]
    for one in found[1:]:
        total = total + one
    return total


def _operation_201(op: str, width: int) -> nn.Module:
    if op == "skip_connect":
        return nn.Identity()
    if op == "avg_pool_3x3":
        return Pool("avg", 3, 1)
    return ConvNorm(width, width, 1 if op == "nor_conv_1x1" else 3)


def _older(before: tuple[int, int], previous: tuple[int, int], width: int) -> nn.Module:
    if before[1] != previous[1]:
        return FactorizedReduce(before[0], width)
    return _calibrated(before[0], width)


def _calibrated(channels: int, width: int) -> nn.Module:
    return nn.Identity() if channels == width else ConvNorm(channels, width, 1)


def _conv(size: int) -> Callable[[int, int], nn.Module]:
    return lambda width, stride: ConvNorm(width, width, size, stride)


def _row_and_column(size: int) -> Callable[[int, int], nn.Module]:
    return lambda width, stride: nn.Sequential(
        ConvNorm(width, width, (1, size), (1, stride)),
        ConvNorm(width, width, (size, 1), (stride, 1)),
    )


def _pool(kind: str, size: int) -> Callable[[int, int], nn.Module]:
    return lambda width, stride: Pool(kind, size, stride)


def _identity(width: int, stride: int) -> nn.Module:
    return nn.Identity() if stride == 1 else FactorizedReduce(width, width)


# By code in NAO's large list, from 5 on.
_OPERATIONS = (
    _identity,
    _conv(1),
    _conv(3),
    _row_and_column(3),
    _row_and_column(7),
    *(_pool("max", size) for size in (2, 3, 5)),
    *(_pool("avg", size) for size in (2, 3, 5)),
)
NETWORKS = {"nas_bench_201": Network201, "nao": NetworkNAO}
