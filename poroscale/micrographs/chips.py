"""Chips of large images: a lattice of overlapping windows that is looked up, never copied.

A chip has a number. From it follow the image and the place of the chip there, by one search in the
running count of chips of the images: the memory of a reader is that of the chips it has in hand,
however many images there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poroscale.lazy_array import ReadByBox, dask_array
from poroscale.manifest import digest_of
from poroscale.volume import Index, Shape, Volume

if TYPE_CHECKING:
    import dask.array
    import xarray

EDGE, STRIDE = 128, 32
"""Edge of a chip as published, and how far apart chips begin [pixels]. The paper states no overlap;
its 437,000 chips follow from a stride of about 27 if each of 73 specimens has one image."""
CHIPS_AT_ONCE = 64
"""Chips of a chunk of the lazy view."""
DENSE = 2.0
"""Chips of one image are read in one box where it has at most so many times their pixels."""


@dataclass(frozen=True)
class ChipLattice:
    """Places of chips in images of any size.

    Attributes
    ----------
    sizes
        (height, width) of each image [pixels].
    edge
        Edge of a chip [pixels].
    stride
        Distance of the first pixels of neighbouring chips [pixels].
    chosen
        Numbers of the images that have chips, rising; None gives chips to all.
    """

    sizes: tuple[tuple[int, int], ...]
    edge: int = EDGE
    stride: int = STRIDE
    chosen: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("edge", "stride"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 pixel at least, got {getattr(self, name)}")
        for number, (height, width) in enumerate(self.sizes):
            if min(height, width) < self.edge:
                raise ValueError(
                    f"image {number} must be as large as a chip of {self.edge}² pixels, got "
                    f"{height} x {width}"
                )

    @cached_property
    def _grids(self) -> NDArray[np.int64]:
        """(images, 2): rows and columns of chips."""
        sizes = np.array(self.sizes, np.int64).reshape(-1, 2)
        found = (sizes - self.edge) // self.stride + 1
        if self.chosen is not None:
            found[np.setdiff1d(np.arange(len(sizes)), self.chosen), 0] = 0
        return found

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Running count of chips: those of the images up to and with each."""
        return np.cumsum(self._grids.prod(axis=1))

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.sizes) else 0

    def places(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n, 3): image, and first row and column, of chips by their numbers.

        Raises
        ------
        IndexError
            If there is no chip of a number.
        """
        numbers = np.asarray(numbers, np.int64)
        if numbers.size and (numbers.min() < 0 or numbers.max() >= len(self)):
            raise IndexError(f"chips must be numbered from 0 to {len(self) - 1}")
        image = np.searchsorted(self.ends, numbers, side="right")
        counts = self._grids[image]
        within = numbers - self.ends[image] + counts.prod(axis=1)
        row, column = np.divmod(within, counts[:, 1])
        return np.stack([image, row * self.stride, column * self.stride], axis=1)

    def of_image(self, image: int) -> range:
        """Numbers of the chips of an image."""
        count = int(self._grids[image].prod())
        return range(int(self.ends[image]) - count, int(self.ends[image]))


@dataclass(frozen=True)
class MicrographChips(ReadByBox):
    """All chips of a stack of images as one array (chip, y, x), of which nothing is stored.

    Attributes
    ----------
    images
        The stack (image, y, x).
    lattice
        Places of the chips.
    columns
        Values of each image by name, which the labelled view has for each chip.
    """

    images: Volume
    lattice: ChipLattice
    columns: Mapping[str, NDArray[Any]]

    @property
    def shape(self) -> Shape:
        """Chips, and rows and columns of one."""
        return len(self.lattice), self.lattice.edge, self.lattice.edge

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.images.dtype

    def read(self, origin: Index | None = None, shape: Shape | None = None) -> NDArray[Any]:
        """A box of the chips: `shape` from `origin` on; all of them without these.

        Raises
        ------
        IndexError
            If the box leaves the chips.
        """
        first, y, x = origin or (0, 0, 0)
        n, height, width = shape or (len(self) - first, self.shape[1] - y, self.shape[2] - x)
        if min(y, x) < 0 or y + height > self.shape[1] or x + width > self.shape[2]:
            raise IndexError(f"box {origin} of {shape} leaves the chips of shape {self.shape}")
        return self.take(np.arange(first, first + n))[:, y : y + height, x : x + width]

    def take(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        """Chips (n, edge, edge) by their numbers, in any order.

        Raises
        ------
        IndexError
            If there is no chip of a number.
        OSError
            If what is on disk is not what was written.
        """
        edge = self.lattice.edge
        found = np.empty((len(numbers), edge, edge), self.dtype)
        places = self.lattice.places(numbers)
        for image in np.unique(places[:, 0]):
            chosen = np.flatnonzero(places[:, 0] == image)
            self._from_image(int(image), places[chosen, 1:], chosen, found)
        return found

    def _from_image(
        self,
        image: int,
        corners: NDArray[np.int64],
        into: NDArray[np.int64],
        found: NDArray[Any],
    ) -> None:
        """Chips of one image, from one box where they lie close together."""
        edge = self.lattice.edge
        low = corners.min(axis=0)
        height, width = (int(each) for each in corners.max(axis=0) - low + edge)
        if height * width <= DENSE * len(corners) * edge**2:
            box = self.images.read((image, int(low[0]), int(low[1])), (1, height, width))[0]
            for place, (y, x) in zip(into, corners - low, strict=True):
                found[place] = box[y : y + edge, x : x + edge]
            return
        for place, (y, x) in zip(into, corners, strict=True):
            self.images.read_into(found[place : place + 1], (image, int(y), int(x)))

    def batches(self, size: int) -> Iterator[NDArray[Any]]:
        """All chips in their order, at most `size` at a time."""
        for first in range(0, len(self), size):
            yield self.take(np.arange(first, min(first + size, len(self))))

    def to_dask(self) -> dask.array.Array:
        """The chips as a lazy dask array, 64 to a chunk, read where they are computed."""
        lattice = self.lattice
        which = None if lattice.chosen is None else list(lattice.chosen)
        rows = [lattice.edge, lattice.stride, which, *map(list, lattice.sizes)]
        name = f"chips-{digest_of([self.images.digest, rows])}"
        return dask_array(self, chunks=(CHIPS_AT_ONCE, *self.shape[1:]), name=name)

    def to_xarray(self) -> xarray.DataArray:
        """The lazy chips with image, place and conditions of each as coordinates of `chip`.

        A condition of the name of another coordinate, such as "top" or "y", is "top_of_image".
        """
        import xarray

        places = self.lattice.places(np.arange(len(self)))
        own = {"image": places[:, 0], "top": places[:, 1], "left": places[:, 2]}
        taken = {*own, "chip", "y", "x"}
        of_images = {
            f"{name}_of_image" if name in taken else name: column[places[:, 0]]
            for name, column in self.columns.items()
        }
        coords = {name: ("chip", values) for name, values in (own | of_images).items()}
        attrs = {"pixel_um": self.images.voxel_size[-1], "stride": self.lattice.stride}
        return xarray.DataArray(self.to_dask(), coords, ("chip", "y", "x"), "chips", attrs)
