"""PNG, JPEG and BMP slices, through Pillow. They state no voxel size that could be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from poroscale.io.source import Source, Voxels
from poroscale.io.tiff import files_fingerprint
from poroscale.volume import Index, Shape

_DTYPES = {"1": "u1", "L": "u1", "P": "u1", "RGB": "u1", "I;16": "u2", "I;16B": "u2", "I": "i4"}


@dataclass(frozen=True, kw_only=True)
class PictureSource(Source):
    """Slices from picture files; colour is taken only where it is grey stored three times."""

    folder: Path
    files: tuple[str, ...]

    @property
    @override
    def name(self) -> str:
        return self.files[0] if len(self.files) == 1 else self.folder.name

    @override
    def fingerprint(self) -> dict[str, Any]:
        return files_fingerprint("pictures", self.folder, self.files)

    @override
    def read(self, origin: Index, shape: Shape) -> Voxels:
        box = np.empty(shape, self.dtype)
        window = tuple(slice(o, o + s) for o, s in zip(origin[1:], shape[1:], strict=True))
        for k in range(shape[0]):
            box[k] = _pixels(self.folder / self.files[origin[0] + k])[window]
        return box


def open_pictures(folder: Path, files: tuple[str, ...]) -> PictureSource:
    """The source for pictures in the order of `files`; only their headers are read.

    Raises
    ------
    ValueError
        If a picture has colour channels with alpha, or differs from the first in size or dtype.
    """
    heads = [_head(folder / file) for file in files]
    for file, head in zip(files, heads, strict=True):
        if head != heads[0]:
            raise ValueError(
                f"{file}: shape and dtype must be {heads[0]} as in {files[0]}, got {head}"
            )
    (height, width), code = heads[0]
    return PictureSource(
        shape=(len(files), height, width),
        dtype=np.dtype(code),
        voxel_size=None,
        folder=folder,
        files=files,
    )


def _head(path: Path) -> tuple[tuple[int, int], str]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            mode, (width, height) = image.mode, image.size
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path.name}: not a picture that can be read: {error}") from error
    if mode not in _DTYPES:
        raise ValueError(f"{path.name}: slices must be grey, got a picture of mode {mode}")
    return (height, width), _DTYPES[mode]


def _pixels(path: Path) -> Voxels:
    from PIL import Image

    try:
        with Image.open(path) as image:
            pixels = np.asarray(image)
    except (OSError, SyntaxError) as error:  # Pillow calls broken PNG chunks a SyntaxError
        raise OSError(f"{path.name}: the picture cannot be decoded: {error}") from error
    if pixels.ndim == 3:
        if (pixels != pixels[..., :1]).any():
            raise ValueError(f"{path.name}: slices must be grey, got a coloured picture")
        pixels = pixels[..., 0]
    return pixels
