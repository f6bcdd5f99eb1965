"""A series of phantom micrographs as files: pictures, and a table of their conditions."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from poroscale.phantoms.micrographs.images import MicrographTruth, PhantomMicrographs
from poroscale.phantoms.micrographs.law import EXTRUDED, PrecipitateLaw

TABLE = "conditions.csv"
Suffix = Literal[".png", ".tif", ".bmp"]


@dataclass(frozen=True)
class PhantomSeries:
    """Specimens of every setting, each with some images.

    Attributes
    ----------
    tempers, feed_rates
        Settings; every temper is combined with every feed rate [mm/s].
    specimens
        Specimens of each setting.
    images
        Images of each specimen.
    height, width
        Of every image [pixels].
    bits
        8 or 16 for each pixel.
    seed
        Number from which all is drawn.
    law
        From a setting to precipitates.
    """

    tempers: Sequence[str] = ("T5", "T6")
    feed_rates: Sequence[float] = (2.5, 5.0, 7.5, 10.0, 12.5)
    specimens: int = 2
    images: int = 1
    height: int = 512
    width: int = 512
    bits: int = 8
    seed: int = 0
    law: PrecipitateLaw = field(default_factory=PrecipitateLaw)

    @property
    def settings(self) -> list[tuple[str, float, int]]:
        """Temper, feed rate and number of the specimen of each image."""
        combined = itertools.product(self.tempers, self.feed_rates, range(self.specimens))
        numbered = [(temper, rate, k) for k, (temper, rate, _) in enumerate(combined)]
        return [one for one in numbered for _ in range(self.images)]

    def micrographs(self) -> PhantomMicrographs:
        """The images as a sampler."""
        laws = tuple(self.law.population(temper, rate) for temper, rate, _ in self.settings)
        return PhantomMicrographs(laws, self.height, self.width, self.seed, self.bits)


def write_phantom_series(
    series: PhantomSeries, folder: Path, *, suffix: Suffix = ".png", pixel_um: float | None = 0.25
) -> list[MicrographTruth]:
    """Write the pictures of a series and `conditions.csv`; the truth of each image.

    Parameters
    ----------
    series
        The images.
    folder
        Gets the files; it is made where there is none.
    suffix
        Format of the pictures; BMP holds 8 bits alone.
    pixel_um
        Edge of a pixel that the table states [um]; None states none.

    Raises
    ------
    ValueError
        If the format cannot hold the bits.
    """
    if suffix == ".bmp" and series.bits != 8:
        raise ValueError(f"a BMP must have 8 bits, got {series.bits}; write .png or .tif")
    folder.mkdir(parents=True, exist_ok=True)
    images = series.micrographs()
    rows, truths = [], []
    for number, (temper, rate, specimen) in enumerate(series.settings):
        name = f"{number:03}{suffix}"
        pixels = images((number, 0, 0), (1, series.height, series.width))[0]
        _write(folder / name, pixels)
        truths.append(images.truth(number))
        strength = series.law.strength(temper, rate)
        row: dict[str, Any] = {
            "image": name,
            "specimen": f"S{specimen:02}",
            "temper": "" if temper == EXTRUDED else temper,
            "feed_rate": rate,
            "strength": "" if strength is None else strength,
        }
        rows.append(row | ({} if pixel_um is None else {"pixel_um": pixel_um}))
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return truths


def _write(path: Path, pixels: NDArray[Any]) -> None:
    if path.suffix == ".tif":
        import tifffile

        tifffile.imwrite(path, pixels, photometric="minisblack")
        return
    from PIL import Image

    mode = "I;16" if pixels.dtype == np.uint16 else "L"
    Image.fromarray(pixels).convert(mode).save(path)
