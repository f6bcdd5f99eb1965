"""Images that a microstructure is fitted to: brought in as volumes, and looked at as phases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import hypot, isfinite
from pathlib import Path
from typing import Any

from poroscale.engine import JobPlan, Pass, Run, plan_job
from poroscale.io.ingest import ingest, ingest_array
from poroscale.io.ingest_config import IngestConfig
from poroscale.io.opening import open_source
from poroscale.io.read.arrays import array_source, is_array
from poroscale.io.read.keyed import keyed_array
from poroscale.io.read.source import Source
from poroscale.io.tiff.scale import unlike_pixel_edges
from poroscale.manifest import JOURNAL_DIR
from poroscale.microstructure.field.observed import PLANES, Observed
from poroscale.microstructure.model import Kind, LocalPhases
from poroscale.microstructure.slicegan.grey import COUNTING, GreyScale, grey_scale
from poroscale.statistics.correlation import Correlations
from poroscale.statistics.pair_counting import (
    LAGS,
    PairWork,
    correlation_pass,
    correlations,
    in_slabs,
    reach_of,
)
from poroscale.statistics.phases import PhaseMap, phase_map, sampled_map
from poroscale.volume import Shape, Volume, VolumeSpec, VoxelSize

MOST_PHASES = 8
"""Phases of an image at most; more values are grey values."""
LIKELY_PHASES = 3
"""Phases for which a plan is made where nothing is known."""
UNLIKE = 4.0
"""Fractions of two images differ if they do by so many standard deviations ..."""
LEAST_UNLIKE = 0.02
"""... and by so much."""
UNKNOWN_UM = 1.0
"""Edge of a voxel of a picture that states none [um]."""
UNEVEN = 1e-3
"""Share by which edges of voxels may differ that count as one."""
ROLE = "image"
THINNEST = 8
"""Voxels of the shorter edge of an image at least."""
Image = Any
"""A volume, the path of a picture or of a volume, or an array of numpy, dask, zarr or xarray with
the axes (y, x) or (z, y, x)."""


@dataclass(frozen=True)
class TrainingImages:
    """Images of one medium.

    Attributes
    ----------
    names
        Name of each.
    volumes
        The images; a section is a volume of one slice.
    planes
        Of each, the axes of its rows and columns in the medium; None of a volume.
    phases
        Their values, in the order of the phases 0 to n - 1; none of grey images.
    grey
        The scale of grey images; None of phases.
    local
        Of which phases of the pictures these are; None of all.
    """

    names: tuple[str, ...]
    volumes: tuple[Volume, ...]
    planes: tuple[str | None, ...]
    phases: PhaseMap
    grey: GreyScale | None = None
    local: LocalPhases | None = None

    @property
    def greys(self) -> tuple[float, ...]:
        """Value of each phase in the pictures; of grey values those of the levels 0 and 255."""
        if self.local is not None:
            return tuple(self.local.greys[code] for code in self.local.within)
        values = self.phases.values if self.grey is None else self.grey.values
        return tuple(float(each) for each in values)

    @property
    def voxel_size(self) -> VoxelSize:
        """Edges of a voxel along z, y, x [um]."""
        return self.volumes[0].voxel_size


def training_images(
    images: Sequence[Image],
    folder: Path,
    *,
    planes: Sequence[str] | None = None,
    phases: int | None = None,
    voxel_um: float | None = None,
    run: Run | None = None,
) -> TrainingImages:
    """Bring images in, and look at their phases.

    Parameters
    ----------
    images
        Pictures (PNG, BMP, TIFF), anything else that `ingest` reads, or volumes.
    folder
        Folder to which pictures are brought in, as `0.zarr` and so on.
    planes
        Planes of the sections, each of `PLANES`; by default those in their order.
    phases
        Number of phases that the images should have.
    voxel_um
        Edge of a voxel, where a picture does not state it; 1 um by default.

    Raises
    ------
    ValueError
        If an image has one phase alone or too many values, or the images differ in values,
        fractions or voxel size.
    """
    run = run or Run()
    names, volumes, found = brought_in(images, folder, planes=planes, voxel_um=voxel_um, run=run)
    maps = [_phases(name, volume, phases, run) for name, volume in zip(names, volumes, strict=True)]
    for name, each in zip(names, maps, strict=True):
        if each.values != maps[0].values:
            raise ValueError(
                f"images must have the same values, got {maps[0].values} in {names[0]} and "
                f"{each.values} in {name}"
            )
    return TrainingImages(names, volumes, found, maps[0])


def grey_images(
    images: Sequence[Image],
    folder: Path,
    *,
    planes: Sequence[str] | None = None,
    voxel_um: float | None = None,
    run: Run | None = None,
) -> TrainingImages:
    """Bring images of grey values in, and count their levels; arguments as `training_images`.

    Raises
    ------
    ValueError
        If an image holds one value alone, or the images differ in voxel size.
    """
    run = run or Run()
    names, volumes, found = brought_in(images, folder, planes=planes, voxel_um=voxel_um, run=run)
    return TrainingImages(names, volumes, found, PhaseMap(()), grey_scale(volumes, run=run))


def brought_in(
    images: Sequence[Image],
    folder: Path,
    *,
    planes: Sequence[str] | None,
    voxel_um: float | None,
    run: Run,
) -> tuple[tuple[str, ...], tuple[Volume, ...], tuple[str | None, ...]]:
    """Names, volumes and planes of images; arguments as `training_images`.

    Raises
    ------
    ValueError
        If an image is too small, or the images differ in voxel size.
    """
    if not images:
        raise ValueError("`images` must be one image at least, got none")
    volumes = tuple(
        _brought_in(image, folder / f"{number}.zarr", voxel_um, run)
        for number, image in enumerate(images)
    )
    names = tuple(image_name(image) for image in images)
    for name, volume in zip(names, volumes, strict=True):
        if min(volume.shape[1:]) < THINNEST:
            raise ValueError(
                f"{name} must be at least {THINNEST} voxels wide, got {volume.shape[1:]}"
            )
    found = _planes(volumes, planes)
    for name, volume in zip(names, volumes, strict=True):
        _check_voxels(name, volume.voxel_size, names[0], volumes[0].voxel_size)
    return names, volumes, found


def _check_voxels(name: str, size: VoxelSize, first: str, own: VoxelSize) -> None:
    for label, each in ((first, own), (name, size)):
        if max(each) > (1 + UNEVEN) * min(each):
            raise ValueError(f"{label} must have cubic voxels, got {each} um; resample it first")
    if max(*size, *own) > (1 + UNEVEN) * min(*size, *own):
        raise ValueError(
            f"images must have voxels of one size, got {own} um in {first} and {size} um in {name}"
        )


def listed_images(images: Image | Sequence[Image]) -> list[Image]:
    """Images in a list, of which a single one may stand alone.

    Raises
    ------
    TypeError
        If one is no image.
    """
    found = list(images) if isinstance(images, list | tuple) else [images]
    for each in found:
        if not (isinstance(each, Volume | str | Path) or is_array(each)):
            raise TypeError(
                f"an image must be a path, a Volume, or an array, got {type(each).__name__}"
            )
    return found


def image_name(image: Image) -> str:
    """Name of the file or folder of an image."""
    if is_array(image):
        return "the array"
    return image.path.name if isinstance(image, Volume) else Path(image).name


def _brought_in(image: Image, out: Path, voxel_um: float | None, run: Run) -> Volume:
    opened = _opened(image)
    if isinstance(opened, Volume):
        return opened
    stated = opened_image(image).voxel_size
    scale = (UNKNOWN_UM if voxel_um is None else voxel_um,) * 3
    config = IngestConfig(voxel_size=None if voxel_um is None and stated else scale)
    if not isinstance(opened, Path):
        size = config.voxel_size or stated
        array = keyed_array(image, name=None, role=ROLE, voxel_size=size)
        return ingest_array(array, out, config=config, run=run)
    with _settled_by_ingest():
        return ingest(opened, out, config=config, run=run)


@contextmanager
def _settled_by_ingest() -> Iterator[None]:
    """An error that names a setting says whose setting it is: this verb has none of a scan."""
    try:
        yield
    except ValueError as error:
        if "`" not in str(error):
            raise
        raise ValueError(
            f"{error} in `poroscale ingest`, and give the volume that it makes"
        ) from None


def _planes(volumes: Sequence[Volume], planes: Sequence[str] | None) -> tuple[str | None, ...]:
    sections = sum(volume.shape[0] == 1 for volume in volumes)
    given = list(planes or PLANES[:sections])
    if len(given) != sections or len(set(given)) != len(given) or set(given) - set(PLANES):
        raise ValueError(
            f"`planes` must name one plane of {', '.join(PLANES)} for each of {sections} sections, "
            f"got {', '.join(given) or 'none'}"
        )
    left = iter(given)
    return tuple(next(left) if volume.shape[0] == 1 else None for volume in volumes)


def _phases(name: str, volume: Volume, wanted: int | None, run: Run) -> PhaseMap:
    if volume.dtype.kind == "f":
        raise ValueError(
            f"{name} must show phases as whole numbers, got {volume.dtype}; save it as integers"
        )
    if sampled_map(volume) is None:
        raise ValueError(
            f"{name} must show at most {wanted or MOST_PHASES} phases, got grey values, as in a "
            "micrograph or in a compressed picture; segment it first"
        )
    found = phase_map(volume, run=run)
    if found.count < 2:
        raise ValueError(f"{name} must show two phases, got the value {found.values[0]} alone")
    most = wanted or MOST_PHASES
    if found.count > most:
        raise ValueError(
            f"{name} must show at most {most} phases, got {found.count} values; segment it first, "
            "or save it without lossy compression"
        )
    if wanted is not None and found.count < wanted:
        raise ValueError(f"{name} must show {wanted} phases, got the values {found.values}")
    return found


def lags_of(shape: Shape) -> int:
    """Largest lag at which the pairs of an image are counted [voxels]."""
    return min(LAGS, max(shape) // 2)


def plan_image(image: Image, held: int, run: Run | None, kind: Kind, phases: int) -> JobPlan:
    """The plan of counting the pairs of an image, while `held` bytes are kept for what follows.

    Of a grey image its levels are counted.
    """
    source = opened_image(image)
    size = source.voxel_size or (UNKNOWN_UM,) * 3
    spec = VolumeSpec(source.shape, source.dtype, size)
    if kind == "grey":
        levels = Pass("grey levels", reads=(spec.dtype,), temporary=COUNTING, driver=held)
        return plan_job(spec, {levels.title: levels}, run or Run())
    reach = reach_of(spec.shape, lags_of(spec.shape))
    work, reads = PairWork(phases, phases**2, reach), [spec.dtype]
    if isinstance(source, Volume):
        declared, run = in_slabs(source, reads, work, run or Run())
    else:
        declared = correlation_pass(spec.shape, spec.shape, reads=reads, work=work)
    declared = declared.but(driver=declared.driver + held)
    return plan_job(spec, {declared.title: declared}, run or Run())


def opened_image(image: Image) -> Volume | Source:
    """The volume that an image is, or the source of a picture, which tells shape and voxel size.

    Raises
    ------
    ValueError
        If a picture states pixels that are not square.
    """
    opened = _opened(image)
    if not isinstance(opened, Path):
        return opened
    with _settled_by_ingest():
        source = open_source(opened)
    if source.voxel_size is None and opened.suffix.lower() in (".tif", ".tiff"):
        _check_pixels(opened)
    return source


def _check_pixels(path: Path) -> None:
    if edges := unlike_pixel_edges(path):
        raise ValueError(
            f"{path.name} must have square pixels, got {edges[0]:g} x {edges[1]:g} um (y, x); "
            "resample it, or save it without a resolution if it is wrong"
        )


def _opened(image: Image) -> Volume | Path | Source:
    """The volume that an image is, the path of a picture, or an array as a source."""
    if isinstance(image, Volume):
        return image
    if is_array(image):
        return array_source(image, name=f"the {ROLE} array")
    return Volume.open(image) if (Path(image) / JOURNAL_DIR).is_dir() else Path(image)


def observed(images: TrainingImages, *, run: Run | None = None) -> list[Observed]:
    """Correlations of every pair of phases in every image.

    Raises
    ------
    ValueError
        If two images disagree in a fraction by more than chance.
    """
    codes = range(images.phases.count)
    pairs = list(combinations_with_replacement(codes, 2))
    found = []
    for volume, plane in zip(images.volumes, images.planes, strict=True):
        lags = lags_of(volume.shape)
        counts = correlations(volume, phases=images.phases, pairs=pairs, lags=lags, run=run)
        found.append(Observed(counts, plane))
    for number, each in enumerate(found[1:], start=1):
        for code in codes:
            _agree(images, number, code, found[0].found, each.found)
    return found


def _agree(
    images: TrainingImages, number: int, code: int, first: Correlations, other: Correlations
) -> None:
    shares = first.fraction(code), other.fraction(code)
    spread = hypot(first.fraction_deviation(code), other.fraction_deviation(code))
    allowed = max(LEAST_UNLIKE, UNLIKE * spread if isfinite(spread) else 0.0)
    if abs(shares[0] - shares[1]) > allowed:
        raise ValueError(
            f"images must agree in their fractions, got {shares[0]:.3f} in {images.names[0]} and "
            f"{shares[1]:.3f} in {images.names[number]} for the value "
            f"{images.greys[code]:g}, which differ by more than {allowed:.3f}"
        )
