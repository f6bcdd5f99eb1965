"""Generated micrographs of a heat treatment that was left out: `sem_left_out.py CONFIG MASKS OUT`.

MASKS is a folder of segmented micrographs whose names carry the treatment (`800C-24H-Q-1.png`).
For each time one generator is trained on all others, conditioned on the logarithm of the time, and
makes images of all times. Number density, mean size and share of the area of the particles of real
and of generated images are printed with their 95 % intervals, and written to `OUT/left_out.md`.
The sections of the configuration are those of `poroscale train sem`, without `sem`; see
`configs/train_sem_masks.yaml`. A generator that is there is not trained again.
"""

import argparse
import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

import poroscale as ps
from poroscale.benchmarks.table import markdown_table
from poroscale.cli.talk import script
from poroscale.compare.micrographs.particles import bright_particles
from poroscale.config import load_sections
from poroscale.kernels.noise import tile_generator
from poroscale.micrographs.dataset import MicrographSet
from poroscale.pipelines.micrographs.train import SemTrainJob

NAME = re.compile(r"(\d+C)-(\d+)([MH])-")
MINUTES = {"M": 1, "H": 60}
HEAD = (
    "time", "images", "particles for a million pixels", "mean size (pixels)", "area (%)",
)  # fmt: skip
RESAMPLES, STREAM = 500, 790
SMOOTH = 1.0
"""Standard deviation of the Gaussian before images are cut [pixels]."""


def digits(value: float) -> str:
    """Three digits, and all of those before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


@dataclass(frozen=True)
class Measured:
    """Sums of each image: particles, their pixels, and all pixels of the image."""

    counts: np.ndarray
    covered: np.ndarray
    pixels: int

    @classmethod
    def of(cls, images: np.ndarray, middle: float) -> "Measured":
        """Of masks or generated images, which are smoothed and cut at the middle of their levels.

        Generated ones are speckled, which would count as particles; real ones undergo the same.
        """
        smooth = gaussian_filter(images.astype(np.float32), (0, SMOOTH, SMOOTH))
        found = bright_particles((smooth > middle).astype(np.uint8))
        return cls(found.counts, found.areas * found.pixels, found.pixels)

    def cells(self) -> list[str]:
        """Density, mean size and share of the area, with intervals over images."""
        rng = tile_generator(0, STREAM)
        drawn = rng.integers(0, len(self.counts), (RESAMPLES, len(self.counts)))
        return [
            f"{digits(value)} ({digits(low)} to {digits(high)})"
            for value, (low, high) in zip(
                self._means(np.arange(len(self.counts))[None])[:, 0],
                np.nanquantile(self._means(drawn), [0.025, 0.975], axis=1).T,
                strict=True,
            )
        ]

    def _means(self, chosen: np.ndarray) -> np.ndarray:
        counts, covered = (each[chosen].mean(axis=1) for each in (self.counts, self.covered))
        size = np.divide(covered, counts, out=np.full_like(counts, np.nan), where=counts > 0)
        return np.stack([1e6 * counts / self.pixels, size, 100 * covered / self.pixels])


def gathered(masks: Path, out: Path, chip: int) -> MicrographSet:
    """The set of the masks with the minutes of each as a condition."""
    table = out / "minutes.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "minutes"])
        for path in sorted(masks.glob("*.png")):
            match = NAME.match(path.name)
            if match is None:
                raise ValueError(f"{path} must be named as 800C-24H-Q-1.png")
            writer.writerow([path.name, int(match[2]) * MINUTES[match[3]]])
    return ps.gather_sem(table, out / "real", images=str(masks), chip=chip)


def images_of(found: MicrographSet, minutes: float) -> np.ndarray:
    chosen = np.flatnonzero(np.isclose(found.conditions["minutes"], minutes, rtol=1e-3))
    return np.stack([found.images.read()[k] for k in chosen])


def generated(
    sections: dict[str, Any], out: Path, times: list[float], left: float, count: int
) -> MicrographSet:
    """Images of all times by a generator that has not seen one of them."""
    folder = out / f"without_{left:g}"
    if not (folder / "model" / "generator.json").exists():
        paths = {"data": str(out / "real"), "model": str(folder / "model")}
        paths |= {"conditions": {"minutes": "logarithmic"}, "held_out": {"minutes": left}}
        given = {name: dict(values) for name, values in sections.items()} | {"sem": paths}
        ps.train_sem(SemTrainJob.of(given, {}))
    wished = {"minutes": [f"{each:g}" for each in times]}
    size = MicrographSet.open(out / "real").images.shape[1:]
    return ps.generate_sem(
        folder / "model", folder / "made", condition=wished, count=count, size=size
    )


def words_of(minutes: float) -> str:
    return f"{minutes:g} min" if minutes < 60 else f"{minutes / 60:g} h"


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=6, help="images of each time and generator")
    given = parser.parse_args(words)
    given.out.mkdir(parents=True, exist_ok=True)
    sections = load_sections(given.config)
    real = gathered(given.masks, given.out, sections.get("chips", {}).get("edge", 128))
    times = sorted({float(each) for each in real.conditions["minutes"]})
    made = {left: generated(sections, given.out, times, left, given.count) for left in times}
    rows = []
    for time in times:
        own = images_of(real, time)
        middle = real.settings.levels[0] + np.ptp(real.settings.levels) / 2
        known = np.concatenate([images_of(made[left], time) for left in times if left != time])
        sides = (("real", own), ("trained on", known), ("left out", images_of(made[time], time)))
        for name, images in sides:
            cells = Measured.of(images, middle).cells()
            rows.append([f"{words_of(time)}, {name}", str(len(images)), *cells])
    text = markdown_table(HEAD, rows) + "\n"
    (given.out / "left_out.md").write_text(text)
    print(text)


if __name__ == "__main__":
    with script("sem_left_out"):
        main()
