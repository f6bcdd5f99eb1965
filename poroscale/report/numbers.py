"""The key numbers of a scan, from its table, its segmentation and its voxel counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.report.figures.shape import resolved
from poroscale.report.sections.planes import largest_row
from poroscale.report.style import log_bins
from poroscale.volume import flat_axis

if TYPE_CHECKING:
    from poroscale.report.sections.extent import PartExtent
    from poroscale.report.table import PoreTable
    from poroscale.volume import Shape, VoxelSize

MM3 = 1e9  # um3 in a mm3
MM2 = 1e6  # um2 in a mm2
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LARGEST = 10
LARGEST_COLUMNS = (
    "label",
    "class",
    "volume_um3",
    "equivalent_diameter_um",
    "sqrt_area_um",
    "sphericity",
    "surface_distance_um",
    "ligament_um",
    "centroid_z_um",
    "centroid_y_um",
    "centroid_x_um",
    "open",
    "touches_edge",
)


def key_numbers(
    table: PoreTable,
    *,
    segmentation: Mapping[str, Any],
    extent: PartExtent | None,
    voxel_size: VoxelSize | None,
    shape: Shape | None = None,
) -> dict[str, Any]:
    """Numbers at the head of the report; None where one cannot be known.

    Of an image of one slice there are areas; its volumes are None.
    """
    volume = table.column("volume_um3")
    part = extent.volume_um3 if extent else None
    numbers: dict[str, Any] = {
        "pore_count": table.rows,
        "pore_volume_um3": float(volume.sum()),
        "part_volume_um3": part,
        "number_density_per_mm3": table.rows / part * MM3 if part else None,
        "open_count": int(table.flags("open").sum()) if "open" in table.names else None,
        "touches_edge_count": _count(table, "touches_edge"),
        "max_sqrt_area_um": _largest(table.column("sqrt_area_um")),
        "largest_volume_share": float(volume.max() / volume.sum()) if table.rows else None,
    }
    if segmentation.get("method") == "local":
        numbers |= porosity_by_grey(segmentation)
    else:
        porosity = extent.porosity if extent else segmentation.get("porosity")
        numbers |= porosity_range(porosity, segmentation.get("sensitivity") or ())
    if part and "open" in table.names:
        numbers["closed_porosity"] = float(volume[~table.flags("open")].sum()) / part
    flat = None if shape is None else flat_axis(shape)
    edges = [] if voxel_size is None else [e for i, e in enumerate(voxel_size) if i != flat]
    numbers |= _sizes(table) | _resolution(table, edges) | _shapes(table)
    return numbers if flat is None or voxel_size is None else _by_area(numbers, voxel_size[flat])


def _by_area(numbers: dict[str, Any], thickness: float) -> dict[str, Any]:
    """The numbers of an image whose voxels are `thickness` um thick."""
    part, count = numbers["part_volume_um3"], numbers["pore_count"]
    area = part / thickness if part else None
    return numbers | {
        "part_volume_um3": None,
        "pore_volume_um3": None,
        "number_density_per_mm3": None,
        "part_area_um2": area,
        "pore_area_um2": numbers["pore_volume_um3"] / thickness,
        "number_density_per_mm2": count / area * MM2 if area else None,
    }


def porosity_range(porosity: float | None, rows: Any) -> dict[str, Any]:
    """Porosity and what it becomes over the whole `sensitivity` table.

    The table's changes against its own row of shift 0 are added to `porosity`, so that
    the range holds it even where later steps (minimum size) took a little away.
    """
    known = [row for row in rows if row.get("porosity") is not None]
    base = [row["porosity"] for row in known if row["shift"] == 0]
    if porosity is None or not np.isfinite(porosity) or not base:
        finite = porosity is not None and np.isfinite(porosity)
        return {"porosity": float(porosity) if finite and porosity is not None else None}
    changes = [row["porosity"] - base[0] for row in known]
    return {
        "porosity": float(porosity),
        "porosity_low": max(0.0, float(porosity + min(changes))),
        "porosity_high": float(porosity + max(changes)),
        "threshold_shift": float(max(abs(row["shift"]) for row in known)),
    }


def porosity_by_grey(segmentation: Mapping[str, Any]) -> dict[str, Any]:
    """Porosity by partial volume with its interval, and by counting voxels beside it."""
    outside = segmentation.get("outside") or {}
    return {
        "porosity": segmentation["porosity"],
        "porosity_low": segmentation["porosity_low"],
        "porosity_high": segmentation["porosity_high"],
        "porosity_counted": segmentation.get("porosity_counted"),
        "interval": "90 %",
        "outside_share": outside.get("share"),
        "outside_reading": outside.get("chosen"),
    }


def class_rows(table: PoreTable) -> list[dict[str, Any]]:
    """One row per class: count, share of number and of volume, median and largest diameter."""
    diameter, volume = table.column("equivalent_diameter_um"), table.column("volume_um3")
    root = table.column("sqrt_area_um")
    rows = []
    for name, at in table.classes().items():
        rows.append(
            {
                "class": name,
                "count": int(at.sum()),
                "count_share": float(at.mean()),
                "volume_share": float(volume[at].sum() / volume.sum()),
                "median_diameter_um": float(np.median(diameter[at])),
                "max_diameter_um": float(diameter[at].max()),
                "max_sqrt_area_um": _largest(root[at]),
            }
        )
    return rows


def largest_pores(table: PoreTable) -> list[dict[str, Any]]:
    """The `LARGEST` pores by volume, with the columns a fractographer asks for."""
    order = np.argsort(-table.column("volume_um3"), kind="stable")[:LARGEST]
    classes = table.classes()
    numeric = {n: table.column(n)[order] for n in LARGEST_COLUMNS if n not in _WORDS_AND_FLAGS}
    rows = []
    for place, row in enumerate(order):
        pore: dict[str, Any] = {name: float(values[place]) for name, values in numeric.items()}
        pore["label"] = int(pore["label"])
        pore["class"] = next(name for name, at in classes.items() if at[row])
        pore |= {name: bool(table.flags(name)[row]) for name in ("open", "touches_edge")}
        rows.append({name: pore[name] for name in LARGEST_COLUMNS})
    return rows


def largest_inside(table: PoreTable) -> dict[str, Any] | None:
    """Label and diameter of the pore that the close-ups show, and whether it lies wholly inside."""
    row = largest_row(table)
    if row is None:
        return None
    cut = table.flags("open")[row] or table.flags("touches_edge")[row]
    return {
        "label": int(table.column("label")[row]),
        "equivalent_diameter_um": float(table.column("equivalent_diameter_um")[row]),
        "inside": not cut,
    }


def size_histogram(table: PoreTable) -> dict[str, list[float]]:
    """Numbers and volumes [um3] of pores in 36 classes of equivalent diameter."""
    diameter = table.column("equivalent_diameter_um")
    if not len(diameter):
        return {"edges_um": [], "count": [], "volume_um3": []}
    edges = log_bins(diameter)
    volume = np.histogram(diameter, edges, weights=table.column("volume_um3"))[0]
    count = np.histogram(diameter, edges)[0]
    return {"edges_um": edges.tolist(), "count": count.tolist(), "volume_um3": volume.tolist()}


_WORDS_AND_FLAGS = {"class", "open", "touches_edge"}


def _sizes(table: PoreTable) -> dict[str, Any]:
    diameter = table.column("equivalent_diameter_um")
    if not len(diameter):
        names = ("mean", "std", "median", "max", "volume_weighted_mean")
        return {f"{name}_diameter_um": None for name in names} | {"diameter_quantiles_um": []}
    volume = table.column("volume_um3")
    return {
        "mean_diameter_um": float(diameter.mean()),
        "std_diameter_um": float(diameter.std(ddof=1)) if len(diameter) > 1 else None,
        "median_diameter_um": float(np.median(diameter)),
        "max_diameter_um": float(diameter.max()),
        "volume_weighted_mean_diameter_um": float((diameter * volume).sum() / volume.sum()),
        "diameter_quantiles_um": np.quantile(diameter, QUANTILES).tolist(),
    }


def _resolution(table: PoreTable, edges: list[float]) -> dict[str, Any]:
    numbers: dict[str, Any] = {"unresolved_count": None, "unresolved_share": None}
    if "shape_valid" in table.names and table.rows:
        valid = table.flags("shape_valid")
        numbers["unresolved_count"] = int((~valid).sum())
        numbers["unresolved_share"] = float((~valid).mean())
        numbers["unresolved_volume_share"] = float(
            table.column("volume_um3")[~valid].sum() / table.column("volume_um3").sum()
        )
    if edges and table.rows:
        diameter = np.median(table.column("equivalent_diameter_um"))
        numbers["median_diameter_voxels"] = float(diameter / np.prod(edges) ** (1 / len(edges)))
    return numbers


def _shapes(table: PoreTable) -> dict[str, Any]:
    names = ("sphericity", "anisotropy", "elongation", "flatness")
    return {
        f"median_{name}": float(np.median(values)) if len(values) else None
        for name in names
        for (values,) in [resolved(table, name)]
    }


def _count(table: PoreTable, name: str) -> int | None:
    return int(table.flags(name).sum()) if name in table.names else None


def _largest(values: NDArray[np.float64]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else None
