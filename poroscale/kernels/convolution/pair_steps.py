"""Winograd's transforms for two taps, F(2, 2), on blocks of three axes and vectors of float32.

Two neighbouring results along an axis, of two taps each, need three products instead of four:

    m0 = (d0 - d1) g0,   m1 = d1 (g0 + g1),   m2 = (d2 - d1) g1,   y0 = m0 + m1,   y1 = m1 + m2

All factors are 1, so that rounding errors are no larger than those of the plain sum. `y0` alone
needs the first two products: a block of one result along an axis leaves out the third.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.extending import intrinsic

from poroscale.kernels.convolution.vector_steps import VectorCode, vector_step

PLACES = 3
"""Products along an axis of a block of two results."""
Vector = Any
Grid = list[list[list[Vector]]]


def _along_axes(grid: Grid, change: Callable[[list[Vector]], list[Vector]]) -> Grid:
    """`change` along z, along y and along x."""
    for _ in range(3):
        # Along the last axis, which then becomes the first.
        lines = [[change(row) for row in plane] for plane in grid]
        grid = [
            [[lines[a][b][c] for b in range(len(lines[0]))] for a in range(len(lines))]
            for c in range(len(lines[0][0]))
        ]
    return grid


def _flat(grid: Grid) -> list[Vector]:
    return [value for plane in grid for row in plane for value in row]


def _loaded(code: VectorCode, start: Any, *distances: Any) -> Grid:
    planes, rows, columns = (code.multiples(distance, PLACES) for distance in distances)
    return [[[code.load(code.at(start, p, r, c)) for c in columns] for r in rows] for p in planes]


@intrinsic
def see_block(_typing, source, plane, row, column, target, place):  # type: ignore[no-untyped-def]
    """Transform 3³ places of one vector: 27 vectors in the order z, y, x, `place` bytes apart."""

    def body(code: VectorCode, *arguments: Any) -> None:
        source, plane, row, column, target, place = arguments

        def change(d: list[Vector]) -> list[Vector]:
            return [code.sub(d[0], d[1]), d[1], code.sub(d[2], d[1])]

        grid = _along_axes(_loaded(code, source, plane, row, column), change)
        for value, there in zip(_flat(grid), code.multiples(place, PLACES**3), strict=True):
            code.store(value, code.at(target, there))

    return vector_step(6, body)


@intrinsic
def give_block(_typing, source, place, bias, target, plane, row, column, least):  # type: ignore[no-untyped-def]
    """From 27 products the results of 2³, with bias, no less than `least`."""

    def body(code: VectorCode, *arguments: Any) -> None:
        source, place, bias, target, plane, row, column, least = arguments

        def change(m: list[Vector]) -> list[Vector]:
            return [code.add(m[0], m[1]), code.add(m[1], m[2])]

        places = code.multiples(place, PLACES**3)
        values = [code.load(code.at(source, there)) for there in places]
        grid = [[values[9 * a + 3 * b : 9 * a + 3 * b + 3] for b in range(3)] for a in range(3)]
        found = _along_axes(grid, change)
        shift, floor = code.load(bias), code.spread_value(least)
        for a, along_plane in enumerate(code.multiples(plane, 2)):
            for b, along_row in enumerate(code.multiples(row, 2)):
                for c, along_column in enumerate(code.multiples(column, 2)):
                    moved = code.larger(code.add(found[a][b][c], shift), floor)
                    code.store(moved, code.at(target, along_plane, along_row, along_column))

    return vector_step(7, body, extra=True)
