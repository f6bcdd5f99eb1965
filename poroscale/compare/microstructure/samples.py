"""Samples of one size from both sides: sub-volumes, sub-images, and sections.

Many measures depend on the size of the sample: a small volume percolates more easily than a large
one. So reference and generated volumes are cut into samples of one shape, and sample is compared
with sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poroscale.compare.microstructure.config import CompareMicrostructureConfig
from poroscale.engine import Pass, Run, fill_pass
from poroscale.identity import kernel
from poroscale.statistics.phases import PhaseMap
from poroscale.volume import Index, Shape, Volume, VolumeSpec

NORMALS = {"yx": 0, "zx": 1, "zy": 2}
"""Axis across which a section is cut, by the axes of its rows and columns."""
ENOUGH = {2: 4, 3: 8}
"""Samples that a reference of two or three dimensions should give at least."""
MOST_SAMPLES = {2: 16, 3: 8}
"""Samples of the reference at most, where nothing else is wanted."""
THINNEST = 8
"""Voxels of the shorter edge of a sample at least."""
TURN = 0.381966
"""Steps of this share of a length never come back to the same place."""


@dataclass(frozen=True)
class ComparedMedium:
    """A volume or an image of phases, as one side of the comparison.

    Attributes
    ----------
    name
        Name of its file.
    volume
        Its voxels; an image is a volume of one slice.
    phases
        Their values, in the order of the phases 0 to n - 1.
    """

    name: str
    volume: Volume
    phases: PhaseMap

    @property
    def dimensions(self) -> int:
        """2 for an image."""
        return 2 if self.volume.shape[0] == 1 else 3


@kernel("compare.SampleCut")
@dataclass(frozen=True)
class SampleCut:
    """A box of a medium as phases 0 to n - 1; of a section, the axis across it comes first.

    Attributes
    ----------
    volume, phases
        The medium.
    origin
        First voxel of the box, in the axes of the volume.
    normal
        Axis that becomes the first; 0 leaves the axes as they are.
    """

    volume: Volume
    phases: PhaseMap
    origin: Index
    normal: int = 0

    def __call__(self, origin: Index, shape: Shape) -> NDArray[np.uint8]:
        """uint8 phases of a box of the sample."""
        first, size = (self._turned(each) for each in (origin, shape))
        z, y, x = (a + b for a, b in zip(self.origin, first, strict=True))
        box = self.phases.codes(self.volume.read((z, y, x), size))
        return np.ascontiguousarray(np.moveaxis(box, self.normal, 0))

    def _turned(self, of_sample: Index) -> Index:
        """Numbers along the axes of the sample, along those of the volume."""
        across, *within = of_sample
        within.insert(self.normal, across)
        z, y, x = within
        return z, y, x


def sample_shape(
    reference: Sequence[Shape], generated: Sequence[Shape], config: CompareMicrostructureConfig
) -> Shape:
    """The shape of all samples; one voxel along z where the reference is an image.

    Raises
    ------
    ValueError
        If the sides are too small to be cut.
    """
    flat = reference[0][0] == 1
    sides = [*reference, *(s for g in generated for s in section_shapes(g, config.plane, flat))]
    most = [min(n) for n in zip(*sides, strict=True)]
    if config.edge is not None:
        most = [min(n, config.edge) for n in most]
    own = [min(n) for n in zip(*reference, strict=True)]
    parts = [n // m for n, m in zip(own, most, strict=True)]
    while True:  # the longest edge is cut into one part more until there are enough samples
        z, y, x = (min(m, n // k) for m, n, k in zip(most, own, parts, strict=True))
        count = sum(prod(counts_of(each, (z, y, x))) for each in reference)
        longest = (z, y, x).index(max(z, y, x))
        if count >= ENOUGH[2 if flat else 3] or own[longest] // (parts[longest] + 1) < THINNEST:
            break
        parts[longest] += 1
    if min((y, x) if flat else (z, y, x)) < THINNEST:
        raise ValueError(
            f"reference and generated volumes must be at least {THINNEST} voxels wide, got "
            f"{reference[0]} and {generated[0]}"
        )
    return z, y, x


def section_shapes(shape: Shape, plane: str | None, flat: bool) -> list[Shape]:
    """Shapes of the sections of a volume that are compared with an image; else its own."""
    if not flat:
        return [shape]
    return [_section(shape, normal) for normal in normals_of(shape, plane)]


def _section(shape: Shape, normal: int) -> Shape:
    rows, columns = (n for axis, n in enumerate(shape) if axis != normal)
    return 1, rows, columns


def normals_of(shape: Shape, plane: str | None) -> list[int]:
    """Axes across which sections are cut; an image is its only section."""
    if shape[0] == 1:
        return [0]
    return [NORMALS[plane]] if plane else [0, 1, 2]


def counts_of(shape: Shape, sample: Shape) -> tuple[int, ...]:
    """Samples side by side along each axis."""
    return tuple(n // s for n, s in zip(shape, sample, strict=True))


def sub_samples(media: Sequence[ComparedMedium], shape: Shape, most: int) -> list[SampleCut]:
    """Samples side by side, spread evenly over all media; `most` of them at most."""
    places = [
        SampleCut(each.volume, each.phases, origin)
        for each in media
        for origin in _origins(each.volume.shape, shape)
    ]
    if len(places) <= most:
        return places
    return [places[k] for k in np.linspace(0, len(places) - 1, most).round().astype(int)]


def _origins(shape: Shape, sample: Shape) -> list[Index]:
    counts = counts_of(shape, sample)
    places = [
        np.linspace(0, n - s, count).astype(int).tolist() if count else []
        for n, s, count in zip(shape, sample, counts, strict=True)
    ]
    return [(z, y, x) for z, y, x in product(*places)]


def section_samples(
    media: Sequence[ComparedMedium], shape: Shape, config: CompareMicrostructureConfig
) -> list[SampleCut]:
    """Sections in every plane, at places that differ within the plane too."""
    found = []
    for each in media:
        whole = each.volume.shape
        for normal in normals_of(whole, config.plane):
            if whole[0] == 1:
                found += sub_samples([each], shape, config.sections)
                continue
            for k in range(config.sections):
                found.append(_section_cut(each, shape, normal, (k + 0.5) / config.sections))
    return found


def _section_cut(medium: ComparedMedium, shape: Shape, normal: int, place: float) -> SampleCut:
    whole = medium.volume.shape
    _, rows, columns = _section(whole, normal)
    across = int(place * whole[normal])
    origin = [int(place * (rows - shape[1])), int((place + TURN) % 1 * (columns - shape[2]))]
    origin.insert(normal, across)
    z, y, x = origin
    return SampleCut(medium.volume, medium.phases, (z, y, x), normal)


def sample_spec(shape: Shape, medium: Volume) -> VolumeSpec:
    """Specification of a sample."""
    return VolumeSpec(shape, np.dtype(np.uint8), medium.voxel_size)


def write_sample(cut: SampleCut, shape: Shape, out: Path, *, run: Run) -> Volume:
    """A sample as a volume of its own."""
    spec = sample_spec(shape, cut.volume)
    recipe = {"origin": list(cut.origin), "normal": cut.normal, "volume": cut.volume.digest}
    return fill_pass(cut_pass(cut), out, spec=spec, recipe=recipe, run=run)


def cut_pass(cut: SampleCut | None = None) -> Pass:
    """The pass that writes a sample; without one, for a plan."""
    return Pass("sample", cut, writes=np.uint8, temporary=9.0)
