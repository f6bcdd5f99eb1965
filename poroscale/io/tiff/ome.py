"""OME-TIFF: which page of which file is which plane, as its XML says.

A set of files repeats the XML in each of them. The planes are listed, file by file; what is listed
must be there, and what is not listed is no plane.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

from poroscale.io.flat.data_files import beside
from poroscale.io.read.channels import Channel
from poroscale.io.tiff.planes import Sizes, selected

_MOST_PLANES = 1 << 24
Place = tuple[int, int, int]  # of T, C, Z


@dataclass(frozen=True)
class OmePage:
    """Page `number` of the file `name`."""

    name: str
    number: int


@dataclass(frozen=True)
class OmeImage:
    """The one image that the XML describes.

    `sizes` are those of T, C, Z in planes; `pages` says where each listed plane lies.
    """

    sizes: Sizes
    pages: dict[Place, OmePage]

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the set."""
        return tuple(dict.fromkeys(page.name for page in self.pages.values()))

    def slices(self, channel: Channel | None, name: str) -> list[OmePage]:
        """The pages along z.

        Raises
        ------
        ValueError
            If a channel must be chosen, or planes are not listed.
        """
        t, c, z = (range(size) for _, size in self.sizes)
        places = list(product(t, c, z))
        wanted = [places[number] for number in selected(self.sizes, channel, name)]
        missing = [place for place in wanted if place not in self.pages]
        if missing:
            raise ValueError(
                f"{name}: its OME description says {len(wanted)} slices (SizeZ) and lists "
                f"{len(wanted) - len(missing)}: put all files of the set into one folder"
            )
        return [self.pages[place] for place in wanted]


def ome_image(text: str, path: Path, samples: int, pages: int) -> OmeImage | None:
    """Image that the OME-XML `text` of the file `path` describes; None if it describes none.

    Parameters
    ----------
    samples
        Numbers of a pixel; their channels share a plane.
    pages
        Pages that the file has.

    Raises
    ------
    ValueError
        If it describes several images, or refers to another file for the description.
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"{path.name}: its OME-XML cannot be read: {error}") from error
    found = [item for item in root.iter() if _tag(item) == "Pixels"]
    if not found:
        companion = [item for item in root.iter() if _tag(item) == "BinaryOnly"]
        if companion:
            said = companion[0].get("MetadataFile", "another file")
            raise ValueError(f"{path.name}: it is one file of a set that {said} describes")
        return None
    if len(found) > 1:
        raise ValueError(f"{path.name}: the file must hold one stack, got {len(found)} OME images")
    return _image(found[0], root.get("UUID"), path, samples, pages)


def _tag(item: ElementTree.Element) -> str:
    return item.tag.rpartition("}")[2]


def _number(item: ElementTree.Element, key: str, path: Path, default: int) -> int:
    text = item.get(key)
    if text is None:
        return default
    if not text.strip().isdigit():
        raise ValueError(f"{path.name}: OME's {key} must be a whole number, got {text!r}")
    return int(text)


def _image(
    pixels: ElementTree.Element, own: str | None, path: Path, samples: int, pages: int
) -> OmeImage:
    sizes = {axis: _number(pixels, f"Size{axis}", path, 1) for axis in "TCZ"}
    if samples > 1 and sizes["C"] % samples == 0:
        sizes["C"] //= samples
    total = sizes["T"] * sizes["C"] * sizes["Z"]
    if not 0 < total < _MOST_PLANES:
        raise ValueError(f"{path.name}: OME's SizeT, SizeC and SizeZ must be positive, got {sizes}")
    order = pixels.get("DimensionOrder", "XYZCT").upper()[:1:-1]
    if sorted(order) != ["C", "T", "Z"]:
        order = "TCZ"
    listed: dict[Place, OmePage] = {}
    blocks = [item for item in pixels if _tag(item) == "TiffData"]
    names = _names(blocks, own, path)
    for item, name in zip(blocks, names, strict=True):
        there = pages if name == path.name else total
        count = _number(item, "PlaneCount", path, 1 if "IFD" in item.attrib else there)
        first = _number(item, "IFD", path, 0)
        start = tuple(_number(item, f"First{axis}", path, 0) for axis in order)
        for k, place in enumerate(_places(order, sizes, start, min(count, total))):
            listed.setdefault(place, OmePage(name, first + k))
    if not blocks:
        places = _places(order, sizes, (0, 0, 0), total)
        listed = {place: OmePage(path.name, k) for k, place in enumerate(places)}
    return OmeImage(tuple(sizes.items()), listed)


def _places(
    order: str, sizes: dict[str, int], start: tuple[int, ...], count: int
) -> Iterator[Place]:
    """`count` places (T, C, Z) from `start` on, the last axis of `order` running fastest."""
    a, b, c = (sizes[axis] for axis in order)
    first = (start[0] * b + start[1]) * c + start[2]
    for number in range(first, min(first + count, a * b * c)):
        at = dict(zip(order, (number // (b * c), number // c % b, number % c), strict=True))
        yield at["T"], at["C"], at["Z"]


def _names(blocks: list[ElementTree.Element], own: str | None, path: Path) -> list[str]:
    """The file of each block; a file that was renamed still knows itself by its UUID."""
    found: list[str] = []
    for item in blocks:
        said = next((child for child in item if _tag(child) == "UUID"), None)
        name = None if said is None else said.get("FileName")
        itself = said is None or (own is not None and (said.text or "").strip() == own)
        if not itself and name is None:
            raise ValueError(f"{path.name}: it is one of a set of OME files that are not named")
        found.append(path.name if itself or name is None else beside(path, name).name)
    if len(set(found)) == 1:  # one file, under whatever name
        return [path.name] * len(found)
    return found
