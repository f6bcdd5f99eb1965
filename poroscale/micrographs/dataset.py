"""A set of micrographs on the disk: one stack of images, and a table with a row for each.

images.zarr       the images (image, y, x), as large as the largest; the rest of a smaller one is 0
images.parquet    name, specimen, size, group and conditions of each image
micrographs.json  bits, edge of a pixel, duplicates, and what was done to the images
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from poroscale.config import Config, parse_config
from poroscale.events import Described
from poroscale.manifest import canonical_json, check_file, digest_of, record_results, write_durably
from poroscale.micrographs.chips import EDGE, STRIDE, ChipLattice, MicrographChips
from poroscale.storage.columns import read_columns, write_columns
from poroscale.volume import Volume

IMAGES, ROWS, SETTINGS = "images.zarr", "images.parquet", "micrographs.json"
FEW_LEVELS = 32
"""Levels that images of 8 bits have at least if all 256 count."""
OWN = ("image", "specimen", "height", "width", "pixel_um", "group")
"""Columns that are no conditions."""
Columns = Mapping[str, NDArray[Any]]


class MicrographSettings(Config):
    """The content of micrographs.json.

    Attributes
    ----------
    format
        Version of this format.
    bits
        8 or 16 for each pixel.
    pixel_um
        Edge of a pixel of all images [um]; None where nothing states it.
    levels
        Lowest and highest level of all images.
    duplicates
        Pairs of images that show the same: numbers of both, and whether every pixel is equal.
    resampled
        Numbers of the images that were brought to `pixel_um`.
    denoised
        Whether the background was freed of noise.
    generated
        Of generated images what they were made by; None of real ones.
    """

    format: Literal[1] = 1
    bits: Literal[8, 16]
    pixel_um: float | None
    levels: tuple[int, int]
    duplicates: tuple[tuple[int, int, bool], ...] = ()
    resampled: tuple[int, ...] = ()
    denoised: bool = False
    generated: dict[str, Any] | None = None

    @property
    def window(self) -> tuple[int, int]:
        """Levels from the darkest to the brightest: all of 8 bits, or those that the images have.

        Masks and images of few levels have those alone, else a network would see one level.
        """
        low, high = self.levels
        few = high - low < FEW_LEVELS
        return (0, 255) if self.bits == 8 and not few else (low, high)


@dataclass(frozen=True)
class MicrographSet(Described):
    """Micrographs with their conditions.

    Attributes
    ----------
    folder
        Folder of the set.
    settings
        The content of micrographs.json.
    rows
        Columns of the table, one value for each image.
    """

    folder: Path
    settings: MicrographSettings
    rows: Columns

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """The set in a folder.

        Raises
        ------
        FileNotFoundError
            If the folder holds none.
        OSError
            If a file was altered.
        ValueError
            If micrographs.json is not that of a set.
        """
        folder = Path(folder)
        for name in (SETTINGS, ROWS):
            if not (folder / name).is_file():
                raise FileNotFoundError(
                    f"{folder} holds no micrographs: no {name}; make them by `poroscale gather sem`"
                )
            check_file(folder / name)
        try:
            values = json.loads((folder / SETTINGS).read_bytes())
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise ValueError(f"{folder / SETTINGS} is not the file of a set of micrographs")
        settings = parse_config(MicrographSettings, values, where=str(folder / SETTINGS))
        return cls(folder, settings, read_columns(folder / ROWS)[0])

    @classmethod
    def save(cls, folder: Path, settings: MicrographSettings, rows: Columns) -> Self:
        """Write table and settings beside the images, which lie in the folder by then."""
        write_columns(rows, folder / ROWS, about={"kind": "micrographs"})
        body = canonical_json(settings.model_dump(mode="json")).encode()
        write_durably(folder / SETTINGS, body)
        record_results(folder, files=[SETTINGS, ROWS], outputs=[IMAGES])
        return cls.open(folder)

    @cached_property
    def images(self) -> Volume:
        """The stack (image, y, x)."""
        return Volume.open(self.folder / IMAGES)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the images."""
        return tuple(str(each) for each in self.rows["image"])

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self.rows["image"])

    @property
    def conditions(self) -> dict[str, NDArray[Any]]:
        """Columns that may be conditions."""
        return {name: column for name, column in self.rows.items() if name not in OWN}

    @property
    def digest(self) -> str:
        """Digest of images, table and settings."""
        rows = {name: column.tolist() for name, column in self.rows.items()}
        spelt = {name: [repr(each) for each in column] for name, column in rows.items()}
        return digest_of([self.images.digest, spelt, self.settings.model_dump(mode="json")])

    def chips(
        self, edge: int = EDGE, stride: int = STRIDE, *, images: NDArray[np.int64] | None = None
    ) -> MicrographChips:
        """The chips of all images, or of some of them, as one lazy array (chip, y, x).

        Parameters
        ----------
        edge, stride
            Edge of a chip, and how far apart chips begin [pixels].
        images
            Numbers of the images that have chips; None takes all. The others have none.

        Raises
        ------
        ValueError
            If an image is smaller than a chip.
        """
        for name, height, width in zip(
            self.names, self.rows["height"], self.rows["width"], strict=True
        ):
            if min(height, width) < edge:
                raise ValueError(
                    f"{name} must be as large as a chip of {edge} x {edge} pixels, got "
                    f"{width} x {height}; take smaller chips"
                )
        sizes = [
            (int(h), int(w)) for h, w in zip(self.rows["height"], self.rows["width"], strict=True)
        ]
        wanted = range(self.count) if images is None else images
        lattice = ChipLattice(tuple(sizes), edge, stride, tuple(int(each) for each in wanted))
        of_images = {name: self.rows[name] for name in self.rows if name not in OWN[2:5]}
        if "name" in of_images:  # a condition
            of_images["name_of_image"] = of_images.pop("name")
        of_images["name"] = of_images.pop("image")
        return MicrographChips(self.images, lattice, of_images)

    def describe(self) -> Iterator[str]:
        """Images, conditions, and what was found."""
        settings = self.settings
        scale = "of unknown scale" if settings.pixel_um is None else f"{settings.pixel_um:g} um"
        yield (
            f"{self.folder}: {self.count} images of {settings.bits} bits, pixels {scale}, "
            f"{len(np.unique(self.rows['group']))} specimens"
        )
        for name, column in self.conditions.items():
            yield f"  {name}: {_values_in_words(column)}"
        if settings.resampled:
            yield f"  {len(settings.resampled)} images were resampled to that scale"
        for first, second, exact in settings.duplicates:
            alike = "is the same image as" if exact else "shows the same as"
            yield f"  {self.names[second]} {alike} {self.names[first]}"


MOST_LISTED = 8
"""Values of a condition that are listed."""


def _values_in_words(column: NDArray[Any]) -> str:
    if column.dtype.kind in "iuf":
        known = column[np.isfinite(column)]
        missing = len(column) - len(known)
        spread = f"{known.min():g} to {known.max():g}" if len(known) else "none"
        return spread + (f", missing in {missing}" if missing else "")
    counts = {str(each) or "none": int((column == each).sum()) for each in np.unique(column)}
    listed = [f"{name} ({count})" for name, count in counts.items()]
    more = f" and {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""
    return ", ".join(listed[:MOST_LISTED]) + more
