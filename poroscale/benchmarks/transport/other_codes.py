"""taufactor and pyamg, run by an interpreter that has them and no poroscale.

Their own criteria say little about the error of the current. So both are told the exact value, and
stop as soon as theirs is within the wanted error of it, or after some seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

Timed = Callable[[], dict[str, Any]]
THREADS = 2
LEAST = 1e-12
"""Residual at which pyamg ends by itself."""


def by_taufactor(
    _scratch: Path, *, array: str, low: float, exact: float, within: float, seconds: float
) -> Timed:
    """The solver of taufactor on all cores, looked at every hundred iterations."""
    import numpy as np
    import taufactor
    import torch

    torch.set_num_threads(THREADS)
    phases = np.load(array)

    def solve(part: Any, wanted: float) -> dict[str, Any]:
        if low:
            solver = taufactor.MultiPhaseSolver(part + 1, cond={1: low, 2: 1.0}, device="cpu")
        else:
            solver = taufactor.Solver(part, device="cpu")
        end = monotonic() + seconds
        while True:
            solver.converged = False
            solver.solve(iter_limit=int(solver.iter) + 100, verbose=False, conv_crit=0)
            found = float(np.ravel(solver.D_eff)[0])
            if abs(found / wanted - 1) <= within or monotonic() > end:
                return {"effective": found, "iterations": int(solver.iter)}

    solve(np.ones((8, 8, 8), np.uint8), 1.0)
    return lambda: solve(phases, exact)


def by_pyamg(
    _scratch: Path, *, array: str, low: float, exact: float, within: float, seconds: float
) -> Timed:
    """Smoothed aggregation of pyamg on the voxels that conduct, looked at every iteration."""
    import numpy as np
    from scipy.ndimage import label

    phases = np.load(array)
    solve = _amg(within, seconds)

    def whole(part: Any, wanted: float) -> dict[str, Any]:
        if low:
            return solve(np.where(part == 1, 1.0, low), wanted)
        labels, _ = label(part)
        both = np.intersect1d(labels[0], labels[-1])
        return solve(np.isin(labels, both[both > 0]).astype(float), wanted)

    whole(np.ones((8, 8, 8), np.uint8), 1.0)
    return lambda: whole(phases, exact)


class _EnoughError(Exception):
    """The current is near enough, or the time is over."""


def _amg(within: float, seconds: float) -> Callable[[Any, float], dict[str, Any]]:
    import numpy as np
    import pyamg
    from scipy import sparse

    def solve(conductivity: Any, wanted: float) -> dict[str, Any]:
        there = conductivity > 0
        number = np.cumsum(there).reshape(there.shape) - 1
        count = int(there.sum())
        rows, columns, weights = [], [], []
        for axis in range(3):
            a = np.take(conductivity, range(there.shape[axis] - 1), axis)
            b = np.take(conductivity, range(1, there.shape[axis]), axis)
            i = np.take(number, range(there.shape[axis] - 1), axis)
            j = np.take(number, range(1, there.shape[axis]), axis)
            linked = (a > 0) & (b > 0)
            rows.append(i[linked])
            columns.append(j[linked])
            weights.append((2 * a[linked] * b[linked]) / (a[linked] + b[linked]))
        link = sparse.coo_matrix(
            (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))),
            (count, count),
        ).tocsr()
        link = link + link.T
        first, ground = np.zeros(count), np.zeros(count)
        first[number[0][there[0]]] = 2 * conductivity[0][there[0]]
        ground += first
        ground[number[-1][there[-1]]] += 2 * conductivity[-1][there[-1]]
        matrix = (sparse.diags(ground + np.asarray(link.sum(axis=1)).ravel()) - link).tocsr()
        depth, height, width = there.shape
        count, effective, end = 0, 0.0, monotonic() + seconds

        def look(potential: Any) -> None:
            nonlocal count, effective
            count += 1
            effective = float(first.sum() - first @ potential) * depth / (height * width)
            if abs(effective / wanted - 1) <= within or monotonic() > end:
                raise _EnoughError

        solver = pyamg.smoothed_aggregation_solver(matrix, max_coarse=500)
        with suppress(_EnoughError):
            look(solver.solve(first, tol=LEAST, accel="cg", callback=look))
        return {"effective": effective, "iterations": count}

    return solve
