"""TensorFlow's padding, for frameworks that pad symmetrically."""

from __future__ import annotations


def same(pixels: int, size: int, stride: int) -> tuple[int, int]:
    """The padding before and after that TensorFlow calls "SAME".

    Args:
        pixels: Height or width.
        size: Size of the kernel.
        stride: Stride of the kernel.

    Example:

    >>> same(16, 3, 1), same(16, 3, 2)
    ((1, 1), (0, 1))
    """
    total = max((-(-pixels // stride) - 1) * stride + size - pixels, 0)
    return total // 2, total - total // 2
