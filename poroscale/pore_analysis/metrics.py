"""The metrics of the pore table, from integers that were merged over all blocks.

A metric is a function `(table, scene) -> {column: values}`; `table` holds every column measured
before it, the raw sums included, one row per pore. `docs/extending.md` has the steps to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.bodies import moments as kernel
from poroscale.kernels.bodies.nearest_shares import SUMS
from poroscale.kernels.bodies.surface_area import COUNTS, sphericity, surface_area
from poroscale.kernels.grey.partial_volume import SHARE_STEPS
from poroscale.pore_analysis.config import PoresConfig
from poroscale.volume import Index, Shape, VoxelSize, flat_axis

Table = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Scene:
    """Facts that a metric may use beside the table.

    Attributes
    ----------
    voxel_size
        (z, y, x) [um].
    origin, shape
        Origin and shape of the volume, in absolute voxel index.
    config
        The settings.
    """

    voxel_size: VoxelSize
    origin: Index
    shape: Shape
    config: PoresConfig

    @property
    def axes(self) -> list[int]:
        """Axes along which there is something to see: two of an image."""
        return [axis for axis in range(3) if axis != flat_axis(self.shape)]


Metric = Callable[[Table, Scene], dict[str, NDArray[Any]]]
BELIEVED = 4
"""A pore's volume from grey is believed up to this times the counted one, and down to one over it:
beyond, noise or a neighbour tells more than the pore."""


IN_BODIES = (
    "anisotropy",
    *(f"inertia_{which}_um2" for which in ("min", "mid", "max")),
    "axis_short_um",
    "flatness",
    "short_axis_angle_deg",
    "short_axis_azimuth_deg",
    "surface_area_um2",
    "sphericity",
)
"""Columns that mean nothing in an image of one slice."""


def from_grey(table: Table) -> NDArray[np.bool_]:
    """Pores whose volume and centroid are taken from shares, (n,); none without shares."""
    count = SHARE_STEPS * table["voxel_count"]
    share, beside = (table.get(name, np.zeros_like(count)) for name in SUMS[:2])
    low, high = np.minimum(share, beside), np.maximum(share, beside)
    return np.asarray((BELIEVED * low >= count) & (high <= BELIEVED * count))


def size(table: Table, scene: Scene) -> dict[str, NDArray[Any]]:
    """Volume, from grey where it can be, diameter, extents."""
    counted = table["voxel_count"] * prod(scene.voxel_size)
    volume, grey = counted.copy(), from_grey(table)
    if grey.any():
        volume[grey] = table["share"][grey] * (prod(scene.voxel_size) / SHARE_STEPS)
    extents = {
        f"extent_{axis}_um": (table[f"{axis}1"] - table[f"{axis}0"]) * edge
        for axis, edge in zip("zyx", scene.voxel_size, strict=True)
    }
    diameter = kernel.equivalent_diameter(volume)
    return {
        "volume_um3": volume,
        "volume_from_grey": grey,
        "counted_volume_um3": counted,
        "equivalent_diameter_um": diameter,
        **extents,
    }


def centroids(table: Table, origin: Index = (0, 0, 0)) -> NDArray[np.float64]:
    """(n, 3) centroids [voxels] from the corner of a volume whose first voxel is `origin`.

    Centres of voxels lie at index + 0.5. The raw sums are of the volume's own index. Where the
    volume comes from grey, the pore's voxels and those beside them weigh by their shares.
    """
    weight, sums = table["voxel_count"], _columns(table, ("sz", "sy", "sx"))
    grey = from_grey(table)
    if grey.any():
        weight = np.where(grey, table["beside"], weight)
        sums = np.where(grey[:, None], _columns(table, SUMS[2:]), sums)
    return kernel.centroid(weight, sums + weight[:, None] * np.array(origin)) + 0.5


def position(table: Table, scene: Scene) -> dict[str, NDArray[Any]]:
    """Centroid, counted from the corner of the scan that the volume was cropped from."""
    place = centroids(table, scene.origin) * np.array(scene.voxel_size)
    return {f"centroid_{axis}_um": place[:, i] for i, axis in enumerate("zyx")}


def ellipsoid(table: Table, scene: Scene) -> dict[str, NDArray[Any]]:
    """Moments of inertia, axes, their ratios and directions."""
    axes = kernel.principal_axes(
        table["voxel_count"],
        _columns(table, ("sz", "sy", "sx")),
        seconds=_columns(table, kernel.SECOND_MOMENTS),
        voxel_size=scene.voxel_size,
    )
    long, medium, short = axes.length.T
    result = {
        "anisotropy": axes.anisotropy,
        "elongation": medium / long,
        "flatness": short / medium,
        "axis_long_um": long,
        "axis_medium_um": medium,
        "axis_short_um": short,
    }
    for i, which in enumerate(("min", "mid", "max")):
        result[f"inertia_{which}_um2"] = axes.inertia[:, i]
    for which, k in (("long", 0), ("short", 2)):
        angle, azimuth = kernel.axis_angles(axes.direction[:, k])
        result |= {f"{which}_axis_angle_deg": angle, f"{which}_axis_azimuth_deg": azimuth}
    return result


def surface(table: Table, scene: Scene) -> dict[str, NDArray[Any]]:
    """Area, sphericity, Euler number and shadow."""
    pairs = _columns(table, COUNTS[:13])
    area = surface_area(table["voxel_count"], pairs, voxel_size=scene.voxel_size)
    shadow = table["shadow"] * (scene.voxel_size[1] * scene.voxel_size[2])
    return {
        "surface_area_um2": area,
        "sphericity": sphericity(table["counted_volume_um3"], area),
        "euler_number": table[f"euler_{scene.config.connectivity}"],
        "projected_area_um2": shadow,
        "sqrt_area_um": np.sqrt(shadow),
    }


def image(table: Table, scene: Scene) -> dict[str, NDArray[Any]]:
    """In an image of one slice, the circle of the same area; what means nothing there is NaN."""
    flat = flat_axis(scene.shape)
    if flat is None:
        return {}
    nothing = np.full(len(table["voxel_count"]), np.nan)
    area = table["volume_um3"] / scene.voxel_size[flat]
    names = IN_BODIES if flat == 0 else (*IN_BODIES, "projected_area_um2", "sqrt_area_um")
    full = np.sqrt(4 / 5)  # the variance of an ellipse is a²/4, that of an ellipsoid a²/5
    return {
        "equivalent_diameter_um": np.sqrt(4 * area / np.pi),
        "axis_long_um": full * table["axis_long_um"],
        "axis_medium_um": full * table["axis_medium_um"],
        **dict.fromkeys(names, nothing),
    }


def neighbours(table: Table, _scene: Scene) -> dict[str, NDArray[Any]]:
    """Distance from centroid to nearest centroid."""
    from scipy.spatial import KDTree

    points = _columns(table, tuple(f"centroid_{axis}_um" for axis in "zyx"))
    distance = np.full(len(points), np.nan)
    if len(points) > 1:
        distance = KDTree(points).query(points, k=2)[0][:, 1]
    return {"neighbour_distance_um": distance}


def clearances(table: Table, _scene: Scene) -> dict[str, NDArray[Any]]:
    """Gap to the next pore, distance to the free surface, ligament: roots of exact squares."""
    names = {
        "neighbour_gap_um": "gap2",
        "surface_distance_um": "surface2",
        "ligament_um": "ligament2",
    }
    roots = {name: np.sqrt(table[squared]) for name, squared in names.items()}
    return {name: np.where(np.isinf(root), np.nan, root) for name, root in roots.items()}


def flags(table: Table, scene: Scene) -> dict[str, NDArray[Any]]:
    """Flags of pores to be careful with; in an image, along its two axes."""
    rules = scene.config.rules
    low, high = _columns(table, ("z0", "y0", "x0")), _columns(table, ("z1", "y1", "x1"))
    origin, stop = np.array(scene.origin), np.array(scene.origin) + np.array(scene.shape)
    bodies, diameter = len(scene.axes) == 3, rules.min_diameter_voxels
    least = np.pi / 6 * diameter**3 if bodies else np.pi / 4 * diameter**2
    enough, extents = table["voxel_count"] >= least, (high - low)[:, scene.axes]
    return {
        "touches_edge": ((low <= origin) | (high >= stop))[:, scene.axes].any(axis=1),
        "open": table["marked"] > 0,
        "shape_valid": enough & (extents.min(axis=1) >= rules.min_extent_voxels),
    }


def pore_class(table: Table, scene: Scene) -> dict[str, NDArray[Any]]:
    """Gas, keyhole or lack of fusion, by `ClassRules`; the first that fits.

    Where the settings ask for no classes, every pore is unclassified. Else:

    1. Shape not valid, or cut off by the edge of the volume: unclassified.
    2. Round enough and spherical enough: gas.
    3. Not spherical at all: lack of fusion.
    4. Flatter than elongated, the short axis near the build direction: lack of fusion.
    5. More elongated than flat, the long axis near the build direction: keyhole.
    6. Else unclassified.
    """
    if not scene.config.classes:
        return {"class": np.full(len(table["shape_valid"]), "unclassified")}
    rules = scene.config.rules
    flat = table["flatness"] <= table["elongation"]
    across = table["short_axis_angle_deg"] <= rules.max_tilt_deg
    along = table["long_axis_angle_deg"] <= rules.max_tilt_deg
    aspect = table["flatness"] * table["elongation"]
    round_ = (aspect >= rules.gas_min_aspect) & (table["sphericity"] >= rules.gas_min_sphericity)
    cases = [
        (~table["shape_valid"] | table["touches_edge"], "unclassified"),
        (round_, "gas"),
        (table["sphericity"] < rules.ragged_max_sphericity, "lack_of_fusion"),
        (flat & across, "lack_of_fusion"),
        (~flat & along, "keyhole"),
    ]
    names = np.select([case for case, _ in cases], [name for _, name in cases], "unclassified")
    return {"class": names}


METRICS: tuple[Metric, ...] = (
    size,
    position,
    ellipsoid,
    surface,
    image,
    neighbours,
    clearances,
    flags,
    pore_class,
)


def measure(raw: Table, scene: Scene) -> dict[str, NDArray[Any]]:
    """Every metric of pores whose raw integers are given, the raw columns included."""
    table = dict(raw)
    for metric in METRICS:
        table |= metric(table, scene)
    return table


def _columns(table: Table, names: tuple[str, ...]) -> NDArray[Any]:
    return np.stack([table[name] for name in names], axis=1)
