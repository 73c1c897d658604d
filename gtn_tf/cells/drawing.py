"""Genotypes as pictures."""

from __future__ import annotations

from pathlib import Path

from gtn_tf.cells.genotype import Cell, Genotype
from gtn_tf.cells.nas_bench_201 import EDGES, Genotype201
from gtn_tf.plots import Arc, CellPicture, draw_cells


def draw_genotype(
    genotype: Genotype | Genotype201, path: Path, title: str = ""
) -> None:
    """Draws the cells of a genotype as graphs.

    Args:
        genotype: A genotype of any cell space.
        path: The PNG file.
        title: Above the picture; the genotype's digest by default.
    """
    title = title or f"genotype {genotype.digest}"
    if isinstance(genotype, Genotype201):
        arcs = [Arc(source, to, op) for op, (to, source) in zip(genotype.ops, EDGES)]
        states = ["input", "1", "2", "output"]
        draw_cells([CellPicture("cell", states, arcs, [3])], title, path)
        return
    cells = [
        _picture("normal cell", genotype.normal),
        _picture("reduction cell", genotype.reduction),
    ]
    draw_cells(cells, f"{title}\n(yellow: concatenated, the cell's output)", path)


def _picture(title: str, cell: Cell) -> CellPicture:
    arcs = [
        arc
        for number, node in enumerate(cell.nodes, start=2)
        for arc in (
            Arc(node.input_a, number, node.op_a),
            Arc(node.input_b, number, node.op_b, above=False),
        )
    ]
    numbers = [str(2 + n) for n in range(len(cell.nodes))]
    return CellPicture(title, ["cell\nk-2", "cell\nk-1", *numbers], arcs, cell.ends)
