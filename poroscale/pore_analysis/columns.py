"""The columns of the pore table: one declaration each, used for the file, the docs, the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["int64", "float64", "bool", "string"]


@dataclass(frozen=True)
class Column:
    """A column of the pore table.

    Attributes
    ----------
    name
        Ends with the unit's name where the value has one.
    unit
        "um", "um2", "um3", "deg", "voxel", or "1" for a pure number; "" for flags and words.
    kind
        Type of the values. A float that has no meaning for a pore is NaN, never null.
    description
        One sentence.
    """

    name: str
    unit: str
    kind: Kind
    description: str


def _floats(*rows: tuple[str, str, str]) -> Iterator[Column]:
    return (Column(name, unit, "float64", text) for name, unit, text in rows)


def _box() -> Iterator[Column]:
    for side, words in (("0", "first voxel"), ("1", "one past the last voxel")):
        for axis in "zyx":
            text = f"Bounding box: {words} along {axis}, absolute voxel index."
            yield Column(axis + side, "voxel", "int64", text)


COLUMNS: tuple[Column, ...] = (
    Column("label", "1", "int64", "Value of the pore's voxels in labels.zarr."),
    Column("voxel_count", "voxel", "int64", "Voxels of the pore."),
    *_box(),
    *_floats(
        (
            "volume_um3",
            "um3",
            "Volume: the shares of pore in the voxels around it where they are known and believed, "
            "else the counted volume.",
        ),
        ("counted_volume_um3", "um3", "Voxels of the pore times the volume of a voxel."),
    ),
    Column("volume_from_grey", "", "bool", "Volume and centroid come from shares, not counting."),
    *_floats(
        (
            "equivalent_diameter_um",
            "um",
            "Diameter of the sphere of the same volume; in an image of one slice, of the circle of "
            "the same area.",
        ),
        *(
            (
                f"centroid_{axis}_um",
                "um",
                f"Centroid along {axis}, from the scan's corner; the pore's voxels and those "
                "beside them weigh by their shares where the volume comes from shares.",
            )
            for axis in "zyx"
        ),
        *((f"extent_{axis}_um", "um", f"Length of the box along {axis}.") for axis in "zyx"),
        *(
            (f"inertia_{which}_um2", "um2", f"{word} principal moment of inertia over the volume.")
            for which, word in (("min", "Smallest"), ("mid", "Middle"), ("max", "Largest"))
        ),
        ("anisotropy", "1", "1 - smallest over largest moment of inertia; 0 for a sphere."),
        *(
            (f"axis_{which}_um", "um", f"{word} full axis of the ellipsoid of the same moments.")
            for which, word in (("long", "Longest"), ("medium", "Medium"), ("short", "Shortest"))
        ),
        ("elongation", "1", "Medium over long axis: small for a rod, 1 for a disc or a sphere."),
        ("flatness", "1", "Short over medium axis: small for a disc, 1 for a rod or a sphere."),
        *(
            row
            for which in ("long", "short")
            for row in (
                (
                    f"{which}_axis_angle_deg",
                    "deg",
                    f"Angle of the {which} axis to the build direction z, 0 to 90; "
                    "NaN where no axis is special.",
                ),
                (
                    f"{which}_axis_azimuth_deg",
                    "deg",
                    f"Azimuth of the {which} axis from x towards y, 0 to 180; "
                    "NaN where it is along z or no axis is special.",
                ),
            )
        ),
        ("surface_area_um2", "um2", "Surface area by Crofton's formula in thirteen directions."),
        (
            "sphericity",
            "1",
            "Area of the sphere of the counted volume over the surface area; exceeds 1 only by the "
            "error of the area of a few voxels.",
        ),
    ),
    Column("euler_number", "1", "int64", "Euler number: bodies - tunnels + cavities."),
    *_floats(
        ("projected_area_um2", "um2", "Area of the pore's shadow along the build direction."),
        ("sqrt_area_um", "um", "Square root of that area (Murakami)."),
        ("neighbour_distance_um", "um", "Distance to the nearest other centroid; NaN if alone."),
        (
            "neighbour_gap_um",
            "um",
            "Smallest thickness between this pore and another, from voxel face to voxel face; "
            "0 if they share an edge or a corner, NaN if alone.",
        ),
        (
            "surface_distance_um",
            "um",
            "Distance from the centroid to the part's free surface; NaN without an outside.",
        ),
        (
            "ligament_um",
            "um",
            "Smallest thickness between the pore and the outside, from voxel face to voxel face; "
            "0 for an open pore, NaN without an outside.",
        ),
    ),
    Column("touches_edge", "", "bool", "Reaches the edge of the volume: it may go on beyond."),
    Column("open", "", "bool", "Shares a voxel face with the outside."),
    Column("shape_valid", "", "bool", "Has enough voxels for its shape to mean something."),
    Column(
        "class",
        "",
        "string",
        "gas, keyhole or lack_of_fusion by stated rules, where classes were asked for; else, and "
        "where no rule fits, unclassified.",
    ),
)
"""In the order of the file."""
INPUT_LABEL = Column("input_label", "1", "int64", "Value of the pore's voxels in the label image.")
"""Behind the others, in the table of a label image."""

_NUMPY = {"int64": np.int64, "float64": np.float64, "bool": np.bool_, "string": np.str_}


def select(
    table: Mapping[str, NDArray[Any]], columns: Iterable[Column] = COLUMNS
) -> dict[str, NDArray[Any]]:
    """The declared columns of a table of metrics, in order and of the declared type.

    Raises
    ------
    KeyError
        If a declared column was not measured.
    """
    columns = tuple(columns)
    missing = [column.name for column in columns if column.name not in table]
    if missing:
        raise KeyError(f"columns were declared but not measured: {', '.join(missing)}")
    return {column.name: table[column.name].astype(_NUMPY[column.kind]) for column in columns}


def columns_in_markdown() -> str:
    """The columns as a Markdown table, for the documentation."""
    rows = [f"| `{c.name}` | {c.unit or '-'} | {c.kind} | {c.description} |" for c in COLUMNS]
    return "\n".join(["| column | unit | type | meaning |", "|---|---|---|---|", *rows])
