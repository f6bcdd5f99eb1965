"""Pictures of several sizes and scales as one stack of images, read where they are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isclose, isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import kernel
from poroscale.io.opening import open_source
from poroscale.io.read.cast import Inverted
from poroscale.io.read.source import Source
from poroscale.io.slices.sequence import TIFF_SUFFIXES
from poroscale.io.tiff.meaning import shows_white_as_zero
from poroscale.io.tiff.scale import unlike_pixel_edges
from poroscale.micrographs.conditions import first_word
from poroscale.micrographs.denoising import denoised_background
from poroscale.pipelines.micrographs.makers_scale import makers_pixel_um
from poroscale.pipelines.micrographs.table import PIXEL, ListedPictures
from poroscale.volume import Index, Shape

ONE_SCALE = 1e-3
"""Share by which pixels may differ that count as one size."""
DEPTHS = {np.dtype(np.uint8): 8, np.dtype(np.uint16): 16}


@kernel("micrographs.PictureStack")
@dataclass(frozen=True)
class PictureStack:
    """Pictures as a sampler (image, y, x); what lies beyond a smaller picture is 0.

    Attributes
    ----------
    sources
        A source for each picture.
    ratios
        Pixels of each picture for one pixel of the stack, at least 1.
    bar
        Rows at the bottom that are left out.
    denoised
        Whether the background is freed of noise.
    """

    sources: tuple[Source, ...]
    ratios: tuple[float, ...]
    bar: int = 0
    denoised: bool = False

    @cached_property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each image of the stack."""
        return tuple(
            (round((each.shape[1] - self.bar) / ratio), round(each.shape[2] / ratio))
            for each, ratio in zip(self.sources, self.ratios, strict=True)
        )

    @property
    def shape(self) -> Shape:
        """Images, and rows and columns of the largest of them."""
        heights, widths = zip(*self.sizes, strict=True)
        return len(self.sources), max(heights), max(widths)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.sources[0].dtype

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Parameters from which the images follow."""
        return {
            "pictures": [each.fingerprint() for each in self.sources],
            "ratios": list(self.ratios),
            "bar": self.bar,
            "denoised": self.denoised,
        }

    def __call__(self, origin: Index, shape: Shape) -> NDArray[Any]:
        """Levels of a box."""
        box = np.zeros(shape, self.dtype)
        for k in range(shape[0]):
            image = self.image(origin[0] + k)
            part = image[tuple(slice(o, o + n) for o, n in zip(origin[1:], shape[1:], strict=True))]
            box[k, : part.shape[0], : part.shape[1]] = part
        return box

    def image(self, number: int) -> NDArray[Any]:
        """A whole image (y, x), resampled and denoised."""
        source = self.sources[number]
        _, height, width = source.shape
        image = source((0, 0, 0), (1, height - self.bar, width))[0]
        if self.ratios[number] != 1:
            image = _resampled(image, self.sizes[number])
        return denoised_background(image) if self.denoised else image


def _resampled(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """An image of a coarser scale; a Gaussian removes what that scale cannot hold."""
    from skimage.transform import resize

    found = resize(image, size, order=1, anti_aliasing=True, preserve_range=True)
    return np.rint(found).astype(image.dtype)


def picture_sources(listed: ListedPictures, channel: int | None = None) -> tuple[Source, ...]:
    """Pictures of one bit depth, opened by their headers; what they show as bright is high.

    Parameters
    ----------
    listed
        The pictures.
    channel
        Which numbers of the pixels of coloured ones are taken; None refuses these as they are read.

    Raises
    ------
    ValueError
        If a file is no single picture of 8 or 16 bits, or the depths differ.
    """
    sources: list[Source] = []
    for path in listed.paths:
        source = _as_shown(path, open_source(path, channel=channel))
        if source.shape[0] != 1:
            raise ValueError(f"{path} must be one picture, got {source.shape[0]} pages")
        if source.dtype not in DEPTHS:
            raise ValueError(f"{path} must have 8 or 16 bits, got {source.dtype}; convert it first")
        if source.dtype != (sources or [source])[0].dtype:
            depths = DEPTHS[sources[0].dtype], DEPTHS[source.dtype]
            raise ValueError(
                f"pictures must have one bit depth, got {depths[0]} bits in "
                f"{listed.paths[0].name} and {depths[1]} in {path.name}; convert them first"
            )
        sources.append(source)
    return tuple(sources)


def _as_shown(path: Path, source: Source) -> Source:
    """A source whose bright pixels have high levels: some TIFF files store white as zero."""
    inverted = path.suffix.lower() in TIFF_SUFFIXES and shows_white_as_zero(path)
    return Inverted.of(source) if inverted else source


def scales_of(
    listed: ListedPictures, sources: Sequence[Source], given: float | None
) -> list[float] | None:
    """Edge of a pixel of each picture [um]: of the table, of the file, or the one given.

    Of the file the tags of the microscope's maker come first.

    Returns
    -------
    list of float or None
        None where no picture states any.

    Raises
    ------
    ValueError
        If some state a scale and some do not, or one is no positive number.
    """
    column = listed.columns.get(PIXEL)
    if column is not None and column.dtype.kind != "f":
        word = first_word(column)
        raise ValueError(f"column {PIXEL!r} of the table must hold finite numbers, got {word!r}")
    found: list[float | None] = []
    for number, source in enumerate(sources):
        stated = None if column is None or np.isnan(column[number]) else float(column[number])
        if stated is None:
            stated = _of_file(listed.paths[number], source)
        found.append(given if stated is None else stated)
    if all(each is None for each in found):
        return None
    for path, each in zip(listed.paths, found, strict=True):
        if each is None:
            raise ValueError(
                f"{path.name} must state the edge of a pixel as others do; give it in the column "
                f"{PIXEL!r}, or as `{PIXEL}`"
            )
        if not (isfinite(each) and each > 0):
            raise ValueError(f"{path.name} must have pixels of a positive size, got {each:g} um")
    return [each for each in found if each is not None]


def _of_file(path: Path, source: Source) -> float | None:
    """Edge of a pixel that a file states [um]; ValueError if its pixels are not square."""
    # Before the resolution tags: these often state what a printer is to do.
    stated = makers_pixel_um(path)
    if stated is not None:
        return stated
    edges = None if source.voxel_size is None else source.voxel_size[1:]
    if edges is None and path.suffix.lower() in TIFF_SUFFIXES:
        edges = unlike_pixel_edges(path)
    if edges is None:
        return None
    if not isclose(*edges, rel_tol=ONE_SCALE):
        raise ValueError(f"{path.name} must have square pixels, got {edges[0]:g} x {edges[1]:g} um")
    return edges[1]


def ratios_of(
    listed: ListedPictures, scales: Sequence[float], wanted: float | None
) -> tuple[float, tuple[float, ...]]:
    """Common edge of a pixel [um], and how many of its own pixels each picture has for one.

    Raises
    ------
    ValueError
        If scales differ and none is wanted, or the one that is wanted is finer than a picture.
    """
    coarsest = int(np.argmax(scales))
    names = [path.name for path in listed.paths]
    if wanted is None:
        for name, each in zip(names, scales, strict=True):
            if not isclose(each, scales[0], rel_tol=ONE_SCALE):
                raise ValueError(
                    f"pictures must have one scale, got {scales[0]:g} um in {names[0]} and "
                    f"{each:g} um in {name}; set `bring_to_um` to {scales[coarsest]:g} or more"
                )
        return scales[0], (1.0,) * len(scales)
    if wanted < scales[coarsest] * (1 - ONE_SCALE):
        raise ValueError(
            f"`bring_to_um` must be {scales[coarsest]:g} at least, the scale of {names[coarsest]}, "
            f"got {wanted:g}"
        )
    ratios = (wanted / each for each in scales)
    return wanted, tuple(1.0 if isclose(r, 1, rel_tol=ONE_SCALE) else r for r in ratios)
