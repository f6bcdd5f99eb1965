"""All persistence pairs of a volume in memory, with those of handles (H1), by a library."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.topology.merge_pairs import check_values

Library = Literal["cripser", "gudhi"]
Floats = NDArray[np.float64]

_MODULES = {"cripser": "tcripser", "gudhi": "gudhi"}


def persistence_diagram(
    values: NDArray[Any], *, library: Library | None = None
) -> tuple[Floats, ...]:
    """Pairs of every dimension of the sub-level sets of an array that fits in memory.

    The voxels are the top-dimensional cells of a cubical complex (26 neighbours in a set, 6 in the
    rest), as in `merge_pairs`, which is faster where components and cavities are enough. Take
    `phase_distance` in `kernels.topology.signed_distance` for the distance to a phase.

    Parameters
    ----------
    values
        (ny, nx) or (nz, ny, nx), finite. About 100 bytes (cripser) or 400 bytes (gudhi) per voxel
        are taken.
    library
        "cripser" or "gudhi"; None takes the first that is installed.

    Returns
    -------
    tuple of ndarray
        For each dimension float64 (n, 2) of birth and death, ascending, without the pairs of zero
        persistence. The component that never ends has an infinite death.

    Raises
    ------
    ImportError
        If the library, or both, are not installed.
    ValueError
        If the array has other than two or three axes, or is not finite.
    """
    values = np.asarray(values)
    check_values(values)
    name, module = _imported(library)
    cells = np.ascontiguousarray(values, np.float64)
    pairs = _BY[name](module, cells)
    return tuple(_sorted(each[each[:, 0] < each[:, 1]]) for each in pairs)


def _imported(library: Library | None) -> tuple[str, Any]:
    for name in _MODULES if library is None else (library,):
        try:
            return name, importlib.import_module(_MODULES[name])
        except ImportError:
            continue
    wanted = library or "cripser or gudhi"
    raise ImportError(
        f"pairs of handles need {wanted}, which is not installed: pip install "
        f"{library or 'cripser'}"
    )


def _by_cripser(module: Any, cells: Floats) -> list[Floats]:
    found = np.asarray(module.computePH(cells, maxdim=cells.ndim - 1))
    dimension, birth, death = found[:, 0], found[:, 1], found[:, 2]
    death = np.where(death > cells.max(), np.inf, death)  # what never ends has a large number
    pairs = np.column_stack([birth, death])
    return [pairs[dimension == k] for k in range(cells.ndim)]


def _by_gudhi(module: Any, cells: Floats) -> list[Floats]:
    complex_ = module.CubicalComplex(top_dimensional_cells=cells)
    complex_.compute_persistence(homology_coeff_field=2)
    found = [complex_.persistence_intervals_in_dimension(k) for k in range(cells.ndim)]
    return [np.asarray(each, np.float64).reshape(-1, 2) for each in found]


_BY: dict[str, Callable[[Any, Floats], list[Floats]]] = {
    "cripser": _by_cripser,
    "gudhi": _by_gudhi,
}


def _sorted(pairs: Floats) -> Floats:
    return np.ascontiguousarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])
