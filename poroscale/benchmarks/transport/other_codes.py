"""taufactor and pyamg, run by an interpreter that has them and no poroscale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Timed = Callable[[], dict[str, Any]]
THREADS = 2


def by_taufactor(_scratch: Path, *, array: str, low: float, tolerance: float) -> Timed:
    """The solver of taufactor on all cores; `tolerance` is its criterion, of fluxes in per cent."""
    import numpy as np
    import taufactor
    import torch

    torch.set_num_threads(THREADS)
    phases = np.load(array)

    def solve(part: Any) -> dict[str, Any]:
        if low:
            solver = taufactor.MultiPhaseSolver(part + 1, cond={1: low, 2: 1.0}, device="cpu")
        else:
            solver = taufactor.Solver(part, device="cpu")
        solver.solve(iter_limit=100_000, verbose=False, conv_crit=tolerance)
        return {"effective": float(np.ravel(solver.D_eff)[0]), "iterations": int(solver.iter)}

    solve(np.ones((8, 8, 8), np.uint8))
    return lambda: solve(phases)


def by_pyamg(_scratch: Path, *, array: str, low: float, tolerance: float) -> Timed:
    """Smoothed aggregation of pyamg on the voxels that conduct; `tolerance` is of the residual."""
    import numpy as np
    from scipy.ndimage import label

    phases = np.load(array)
    solve = _amg(tolerance)

    def whole(part: Any) -> dict[str, Any]:
        if low:
            return solve(np.where(part == 1, 1.0, low))
        labels, _ = label(part)
        both = np.intersect1d(labels[0], labels[-1])
        return solve(np.isin(labels, both[both > 0]).astype(float))

    whole(np.ones((8, 8, 8), np.uint8))
    return lambda: whole(phases)


def _amg(tolerance: float) -> Callable[[Any], dict[str, Any]]:
    import numpy as np
    import pyamg
    from scipy import sparse

    def solve(conductivity: Any) -> dict[str, Any]:
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
        residuals: list[float] = []
        solver = pyamg.smoothed_aggregation_solver(matrix, max_coarse=500)
        found = solver.solve(first, tol=tolerance, accel="cg", residuals=residuals)
        current = float(first.sum() - first @ found)
        depth, height, width = there.shape
        return {"effective": current * depth / (height * width), "iterations": len(residuals) - 1}

    return solve
