"""A region of a volume as a volume of its own, which keeps where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from poroscale.config import Config
from poroscale.engine import JobPlan, Pass, Run, fill_pass, plan_job
from poroscale.engine.grid import Box
from poroscale.identity import kernel
from poroscale.verb import Section, verb
from poroscale.volume import Index, Shape, Volume, VolumeSpec


class CropConfig(Config):
    """The region that is kept.

    Attributes
    ----------
    box
        Half-open region (z0, z1, y0, y1, x0, x1) in the volume's own index [voxels].
    """

    box: tuple[int, int, int, int, int, int]

    def region(self, shape: Shape) -> Box:
        """The region as a box; ValueError if it is empty or leaves a volume of `shape`."""
        first, stop = self.box[::2], self.box[1::2]
        if not all(0 <= a < b <= n for a, b, n in zip(first, stop, shape, strict=True)):
            raise ValueError(f"`box` must lie in a volume of shape {shape}, got {self.box}")
        z, y, x = (b - a for a, b in zip(first, stop, strict=True))
        return Box((first[0], first[1], first[2]), (z, y, x))


@kernel("io.crop")
@dataclass(frozen=True)
class Cropped:
    """A sampler of the voxels of `volume`, counted from the voxel `first`."""

    volume: Volume
    first: Index

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """The box of `shape` at `origin` of the region."""
        z, y, x = (a + b for a, b in zip(self.first, origin, strict=True))
        return self.volume.read((z, y, x), shape)


def cropped_spec(volume: Volume, region: Box) -> VolumeSpec:
    """Specification of the region: its origin is that of its first voxel in the whole."""
    z, y, x = (a + b for a, b in zip(volume.origin, region.origin, strict=True))
    return volume.spec.but(
        shape=region.shape,
        origin=(z, y, x),
        attributes=_kept(volume.attributes, volume.digest, region),
    )


def _kept(attributes: Mapping[str, Any], digest: str, region: Box) -> dict[str, Any]:
    """Attributes that hold for a region of a volume; counts of the whole stay under `whole`."""
    kept = {name: attributes[name] for name in ("kind", "source") if name in attributes}
    crop = {"digest": digest, "origin": region.origin, "whole": dict(attributes)}
    return kept | {"cropped_from": crop}


def crop_pass(volume: Volume, region: Box) -> Pass:
    """The pass that copies the region."""
    spec = volume.spec
    sampler = Cropped(volume, region.origin)
    return Pass("crop", sampler, writes=spec.dtype, pyramid=spec.pyramid, temporary=0.0)


def plan_crop(volume: Volume, *, config: CropConfig, run: Run | None = None) -> JobPlan:
    """The plan of `crop`, with the same arguments."""
    region = config.region(volume.shape)
    declared = crop_pass(volume, region)
    return plan_job(cropped_spec(volume, region), {declared.title: declared}, run or Run())


@verb("crop", Section.of("crop", CropConfig), volumes=("volume",), plan="plan_crop")
def crop(volume: Volume, out: str | Path, *, config: CropConfig, run: Run | None = None) -> Volume:
    """Keep a region of a volume as a volume of its own.

    Parameters
    ----------
    volume
        Any volume.
    out
        Folder of the region.
    config
        The region.
    run
        Memory, workers and cluster.

    Returns
    -------
    Volume
        Its `origin` is the absolute index of its first voxel. It keeps the kind and the source of
        the whole; all else that the whole records stands in `attributes["cropped_from"]`.

    Raises
    ------
    ValueError
        If the region is empty or leaves the volume, or `out` holds something else.
    """
    region = config.region(volume.shape)
    recipe = {
        "sampler": "crop",
        "volume": {"digest": volume.digest, "level": volume.level},
        "region": {"origin": region.origin, "shape": region.shape},
    }
    spec = cropped_spec(volume, region)
    return fill_pass(crop_pass(volume, region), out, spec=spec, recipe=recipe, run=run)
