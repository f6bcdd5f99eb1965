"""From pictures and a table of conditions to a set of micrographs.

1. The headers of all pictures are read: bit depth, size and scale must fit each other.
2. Each picture is decoded once and written into its plane of the stack.
3. One pass over the stack gives digest, thumbnail and levels of each image.
4. Images that show the same are told, and put into one group with their specimens.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from poroscale.config import Config
from poroscale.engine import (
    JobPlan,
    Pass,
    Reduction,
    Run,
    connect,
    fill_pass,
    plan_job,
    reduce_pass,
)
from poroscale.engine.plan import IMAGES as IMAGE_LIBRARIES
from poroscale.identity import kernel
from poroscale.micrographs.chips import EDGE
from poroscale.micrographs.dataset import IMAGES, MicrographSet, MicrographSettings
from poroscale.micrographs.duplicates import (
    DuplicatePair,
    duplicate_pairs,
    joined_groups,
    thumbnail_of,
)
from poroscale.pipelines.micrographs.pictures import (
    DEPTHS,
    PictureStack,
    picture_sources,
    ratios_of,
    scales_of,
)
from poroscale.pipelines.micrographs.table import (
    IMAGE,
    PIXEL,
    SPECIMEN,
    ListedPictures,
    listed_pictures,
)
from poroscale.verb import Section, verb
from poroscale.volume import Shape, VolumeSpec

log = logging.getLogger("poroscale.micrographs")

CHUNK = 256
"""Edge of a chunk of the stack [pixels]: a chip of 128² touches 2.25 of them on average."""
COPIES, DENOISING = 4.0, 96.0
"""Bytes for each pixel of the stack while its image is put together, and while it is denoised."""
RESAMPLING = 20
"""Bytes for each pixel of a picture while it is resampled."""
DESCRIBING = 12.0
"""Bytes for each pixel while its image is described."""


class GatherSemConfig(Config):
    """Settings for bringing micrographs together.

    Attributes
    ----------
    images
        Folder of the pictures; None takes that of the table.
    pixel_um
        Edge of a pixel of pictures for which neither the table nor the file states one [um].
    bring_to_um
        Edge of a pixel to which all pictures are brought [um], that of the coarsest at least; None
        refuses pictures of different scales.
    bar
        Rows at the bottom of every picture that hold a legend and are left out.
    chip
        Edge of the smallest image that is taken [pixels].
    channel
        Which numbers of the pixels of coloured pictures are taken, from 0; None takes pictures
        alone that are grey, also where these are stored as colours.
    denoise
        Whether the background is freed of noise; precipitates keep their grey values.
    """

    images: str | None = None
    pixel_um: float | None = Field(None, gt=0)
    bring_to_um: float | None = Field(None, gt=0)
    bar: int = Field(0, ge=0)
    chip: PositiveInt = EDGE
    channel: int | None = Field(None, ge=0)
    denoise: bool = False


@dataclass(frozen=True)
class _Prepared:
    listed: ListedPictures
    stack: PictureStack
    pixel_um: float | None


def plan_gather_sem(
    table: str | Path, *, config: GatherSemConfig | None = None, run: Run | None = None
) -> JobPlan:
    """The plan of `gather_sem`, with the same arguments."""
    prepared = _prepared(Path(table), config or GatherSemConfig())
    filling = _filling(prepared.stack)
    run = _whole_images(run or Run(), prepared.stack.shape)
    return plan_job(_spec(prepared), {filling.title: filling}, run)


@verb(
    "gather_sem",
    Section.of("gather", GatherSemConfig),
    plan="plan_gather_sem",
)
def gather_sem(
    table: str | Path,
    out_dir: str | Path,
    *,
    config: GatherSemConfig | None = None,
    run: Run | None = None,
) -> MicrographSet:
    """Bring micrographs and the table of their conditions together as one chunked set.

    Parameters
    ----------
    table
        CSV or Parquet with a column `image`, the name of a picture, and one for each condition;
        also `specimen` and `pixel_um`, where they are known.
    out_dir
        Folder of the set: `images.zarr`, `images.parquet` and `micrographs.json`.
    config
        Scale and treatment of the pictures.
    run
        Memory, workers and cluster.

    Returns
    -------
    MicrographSet
        Its `chips()` are a lazy array that holds no copy.

    Raises
    ------
    FileNotFoundError
        If the table or a picture is missing.
    ValueError
        If the table misses a picture, or pictures differ in bit depth or scale, or one is too
        small.
    """
    config, run, out_dir = config or GatherSemConfig(), run or Run(), Path(out_dir)
    prepared = _prepared(Path(table), config)
    stack = prepared.stack
    with connect(_whole_images(run, stack.shape), job="gather") as shared:
        recipe = {"sampler": "micrographs.PictureStack", "version": 1, **stack.recipe}
        volume = fill_pass(
            _filling(stack),
            out_dir / IMAGES,
            spec=_spec(prepared),
            recipe=recipe,
            run=shared,
        )
        alone = _whole_images(shared.but(block=None), stack.shape)
        described = reduce_pass(_describing(stack.sizes), volume, run=alone)
    found = _saved(out_dir, prepared, described, config)
    _tell_duplicates(found)
    return found


def _prepared(table: Path, config: GatherSemConfig) -> _Prepared:
    listed = listed_pictures(table, None if config.images is None else Path(config.images))
    sources = picture_sources(listed, config.channel)
    scales = scales_of(listed, sources, config.pixel_um)
    if scales is None and config.bring_to_um is not None:
        raise ValueError("`bring_to_um` must be left out where no picture states its scale")
    pixel, ratios = (
        (None, (1.0,) * len(sources))
        if scales is None
        else ratios_of(listed, scales, config.bring_to_um)
    )
    for path, source in zip(listed.paths, sources, strict=True):
        if source.shape[1] <= config.bar:
            raise ValueError(f"`bar` must leave rows of {path.name}, got {config.bar}")
    stack = PictureStack(sources, ratios, config.bar, config.denoise)
    for path, (height, width) in zip(listed.paths, stack.sizes, strict=True):
        if min(height, width) < config.chip:
            raise ValueError(
                f"{path.name} must be as large as a chip of {config.chip} x {config.chip} pixels, "
                f"got {width} x {height}; set a smaller `chip`"
            )
    return _Prepared(listed, stack, pixel)


def _spec(prepared: _Prepared) -> VolumeSpec:
    edge = 1.0 if prepared.pixel_um is None else prepared.pixel_um
    return VolumeSpec(
        prepared.stack.shape,
        prepared.stack.dtype,
        (edge, edge, edge),
        attributes={"kind": "micrographs"},
        chunks=(1, CHUNK, CHUNK),
    )


def _whole_images(run: Run, shape: Shape) -> Run:
    """A block for each image, so that no picture is decoded twice."""
    if run.block is not None:
        return run
    height, width = (-(-n // CHUNK) * CHUNK for n in shape[1:])
    return run.but(block=(1, height, width))


def _filling(stack: PictureStack) -> Pass:
    temporary = COPIES + (DENOISING if stack.denoised else 0.0)
    decoded = max(
        each.per_read + each.shape[1] * each.shape[2] * (2 + (RESAMPLING if ratio != 1 else 0))
        for each, ratio in zip(stack.sources, stack.ratios, strict=True)
    )
    return Pass(
        "gather pictures",
        stack,
        writes=stack.dtype,
        temporary=temporary,
        fixed=decoded,
        libraries=IMAGE_LIBRARIES,
    )


def _describing(sizes: tuple[tuple[int, int], ...]) -> Pass:
    reduction = Reduction(describe_images, _joined, dict, located=True)
    return Pass(
        "describe images",
        reduction,
        reads=(np.uint16,),
        parameters={"sizes": np.array(sizes, np.int64)},
        temporary=DESCRIBING,
        libraries=IMAGE_LIBRARIES,
    )


@kernel("micrographs.describe_images", version=2)
def describe_images(
    block: NDArray[Any], *, origin: tuple[int, int, int], sizes: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Number, digest, thumbnail and levels of each image of a block, which holds them whole."""
    digests, thumbnails, levels = [], [], []
    for k, plane in enumerate(block):
        height, width = sizes[origin[0] + k]
        image = np.ascontiguousarray(plane[:height, :width])
        digests.append(np.frombuffer(hashlib.sha256(image.tobytes()).digest(), np.uint8))
        thumbnails.append(thumbnail_of(image))
        levels.append((image.min(), image.max()))
    return {
        "digest": np.stack(digests),
        "thumbnail": np.stack(thumbnails),
        "levels": np.array(levels, np.int64),
    }


def _joined(
    a: Mapping[str, NDArray[Any]], b: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([a[name], b[name]]) for name in a}


def _saved(
    folder: Path,
    prepared: _Prepared,
    described: Mapping[str, NDArray[Any]],
    config: GatherSemConfig,
) -> MicrographSet:
    columns, stack = prepared.listed.columns, prepared.stack
    digests = [bytes(each).hex() for each in described["digest"]]
    pairs = list(duplicate_pairs(digests, described["thumbnail"]))
    specimens = _specimens(columns)
    pixel = float("nan") if prepared.pixel_um is None else prepared.pixel_um
    rows = {
        IMAGE: columns[IMAGE],
        SPECIMEN: np.array(specimens),
        "height": np.array([size[0] for size in stack.sizes]),
        "width": np.array([size[1] for size in stack.sizes]),
        PIXEL: np.full(len(specimens), pixel),  # of the stack, not of the files
        "group": joined_groups(specimens, pairs),
    }
    rows |= {name: column for name, column in columns.items() if name not in rows}
    settings = MicrographSettings(
        bits=8 if DEPTHS[stack.dtype] == 8 else 16,
        pixel_um=prepared.pixel_um,
        levels=(int(described["levels"].min()), int(described["levels"].max())),
        duplicates=tuple((each.first, each.second, each.exact) for each in pairs),
        resampled=tuple(k for k, ratio in enumerate(stack.ratios) if ratio != 1),
        denoised=config.denoise,
    )
    return MicrographSet.save(folder, settings, rows)


def _specimens(columns: Mapping[str, NDArray[Any]]) -> list[str]:
    """Name of the specimen of each image; one without a name is a specimen of its own."""
    return [
        str(name) if word in ("", "nan") else str(word)
        for word, name in zip(columns[SPECIMEN], columns[IMAGE], strict=True)
    ]


def _tell_duplicates(found: MicrographSet) -> None:
    conditions = found.conditions
    for first, second, exact in found.settings.duplicates:
        pair = DuplicatePair(first, second, exact)
        unlike = [
            name for name, column in conditions.items() if not _same(column[first], column[second])
        ]
        said = "is the same image as" if pair.exact else "shows nearly the same as"
        more = f", but has another {', '.join(unlike)}" if unlike else ""
        log.warning("%s %s %s%s", found.names[second], said, found.names[first], more)


def _same(a: Any, b: Any) -> bool:
    return bool(a == b) or repr(a) == repr(b)
