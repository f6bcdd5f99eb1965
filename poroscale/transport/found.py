"""What a measurement of transport has found, along each axis: numbers, pictures, a tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FieldPicture:
    """A slice of a local field, for a page.

    Attributes
    ----------
    name
        Name of the figure: letters and hyphens.
    title
        Title of the field, with the driven axis.
    unit
        Label of the colours.
    values
        float (rows, columns), NaN where nothing flows.
    edges
        Size of a pixel along rows and columns [um].
    axes
        Axes of rows and columns, as ("z", "x").
    caption
        One or two sentences.
    limits
        Ends of the colours; None for those of the values.
    """

    name: str
    title: str
    unit: str
    values: NDArray[np.floating]
    edges: tuple[float, float]
    axes: tuple[str, str]
    caption: str
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class AxisFound:
    """What was found along one axis.

    Attributes
    ----------
    numbers
        JSON: "axis", "effective", "error", "units", "tortuosity_factor", "fraction",
        "effective_fraction", "iterations", "percolates" and what the property adds.
    told
        The effective value in one line, for the terminal.
    column
        Mean flux along z, y and x at a mean gradient of 1 along the axis; None if not asked for.
    column_error
        Bounds of its errors.
    pictures
        Slices for the page.
    """

    numbers: Mapping[str, Any]
    told: str
    column: tuple[float, float, float] | None = None
    column_error: tuple[float, float, float] | None = None
    pictures: tuple[FieldPicture, ...] = ()


@dataclass(frozen=True)
class TransportFound:
    """What was found of a volume.

    Attributes
    ----------
    about
        JSON: "property", "volume", "shape", "voxel_size_um", "boundary", "settings".
    axes
        By axis that was driven.
    """

    about: Mapping[str, Any]
    axes: tuple[AxisFound, ...]

    @property
    def tensor(self) -> list[list[float]] | None:
        """Row for the flux, column for the gradient, in the order z, y, x; None if not known."""
        return _matrix([each.column for each in self.axes])

    @property
    def tensor_error(self) -> list[list[float]] | None:
        """Bounds of the errors of `tensor`."""
        return _matrix([each.column_error for each in self.axes])

    @property
    def numbers(self) -> dict[str, Any]:
        """The content of `transport.json`; of a single axis its numbers stand at the top, too."""
        entries = [dict(each.numbers) for each in self.axes]
        first = entries[0] if len(entries) == 1 else {"axis": "all"}
        found = dict(self.about) | first | {"axes": entries}
        if self.tensor is not None:
            found |= {"tensor": self.tensor, "tensor_error": self.tensor_error}
        return found

    def describe(self) -> Iterator[str]:
        """A line for each axis."""
        for each in self.axes:
            yield each.told


def _matrix(columns: list[tuple[float, float, float] | None]) -> list[list[float]] | None:
    known = [each for each in columns if each is not None]
    return None if len(known) < 3 else np.array(known).T.tolist()
