"""Chunks of an HDF5 dataset, looked at before HDF5 decodes them.

HDF5 grows its buffer for as long as a deflate stream goes on: 4 kB can take 1.5 GiB. Filters with a
header allocate what it states. So the decoded size is found out first, piece by piece and without
keeping it, and compared with the size of a chunk.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import suppress
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from poroscale.io.zarr_stores.zstd_frames import zstd_decoded_size

if TYPE_CHECKING:
    import h5py

_DEFLATE_RATIO = 1032
"""The most that deflate can inflate."""
_HARMLESS = 1 << 26
_STEP = 1 << 20
_DEFLATE, _BLOSC, _LZ4, _BITSHUFFLE, _ZSTD = 1, 32001, 32004, 32008, 32015
_PACKING = {_DEFLATE, _BLOSC, _LZ4, _BITSHUFFLE, _ZSTD}
_KNOWN = {
    307: "bzip2",
    32000: "LZF",
    32001: "Blosc",
    32004: "LZ4",
    32008: "bitshuffle",
    32013: "ZFP",
    32015: "Zstandard",
    32017: "SZ",
    32018: "FCIDECOMP",
    32019: "JPEG",
    32024: "SZ3",
    32026: "Blosc2",
}


def require_filters(found: h5py.Dataset, name: str) -> None:
    """Load the filters of a dataset that HDF5 itself lacks, from the package hdf5plugin.

    Raises
    ------
    ValueError
        Naming the filter and the package, if the filter is still not there.
    """
    import h5py

    lacking = [code for code in _filters(found) if not h5py.h5z.filter_avail(code)]
    if not lacking:
        return
    with suppress(ImportError):
        import hdf5plugin  # noqa: F401  registers its filters when it is imported
    for code in lacking:
        if not h5py.h5z.filter_avail(code):
            raise ValueError(
                f"{name}: its chunks are packed with {_KNOWN.get(code, 'a filter')} (HDF5 filter "
                f"{code}), which needs the package hdf5plugin: pip install 'poroscale[hdf5]'"
            )


def _filters(found: h5py.Dataset) -> list[int]:
    """Codes of the filters of a dataset, in the order of writing."""
    pipeline = found.id.get_create_plist()
    filters = [pipeline.get_filter(i) for i in range(pipeline.get_nfilters())]
    return [int(code) for code, *_ in filters]


def _packs(found: h5py.Dataset, number: int) -> bool:
    """True if a filter has a header or a stream; bitshuffle may be asked to reorder alone."""
    code, _, values, _ = found.id.get_create_plist().get_filter(number)
    return code in _PACKING and not (code == _BITSHUFFLE and (len(values) < 5 or not values[4]))


def check_hdf5_chunks(found: h5py.Dataset, where: Sequence[slice], name: str) -> None:
    """Refuse chunks of `found` that decode to more than a chunk.

    Parameters
    ----------
    where
        A slice with start and stop for each stored axis; only the chunks it touches are read.

    Raises
    ------
    OSError
        Naming the dataset and the chunk.
    """
    if found.is_virtual:
        _check_sources(found, where, name)
    if found.chunks is None or not _filters(found):
        return
    packing = [number for number in range(len(_filters(found))) if _packs(found, number)]
    limit = prod(found.chunks) * found.dtype.itemsize
    axes = zip(where, found.chunks, strict=True)
    ranges = (range(s.start // c * c, s.stop, c) for s, c in axes)
    for corner in product(*ranges):
        _check_chunk(found, corner, packing, limit, name)


def _check_sources(found: h5py.Dataset, where: Sequence[slice], name: str) -> None:
    """Check the sources of a virtual dataset that lie in the box, each as a whole."""
    import h5py

    folder = Path(found.file.filename).parent
    for source in found.virtual_sources():
        low, high = source.vspace.get_select_bounds()
        if any(s.start > b or s.stop <= a for s, a, b in zip(where, low, high, strict=True)):
            continue
        file = found.file.filename if source.file_name == "." else folder / source.file_name
        with h5py.File(file, "r") as opened:
            there = opened[source.dset_name]
            require_filters(there, name)
            check_hdf5_chunks(there, [slice(0, size) for size in there.shape], name)


def _check_chunk(
    found: h5py.Dataset, corner: tuple[int, ...], packing: Sequence[int], limit: int, name: str
) -> None:
    packed = found.id.get_chunk_info_by_coord(corner).size
    if packed > 2 * limit + _STEP:
        raise OSError(f"{name}: the chunk at {corner} is damaged: {packed} bytes for {limit}")
    if not packing:
        return
    mask, data = found.id.read_direct_chunk(corner)
    applied = [_filters(found)[number] for number in packing if not mask >> number & 1]
    if not applied:
        return
    if len(applied) > 1:
        raise OSError(f"{name}: its chunks are packed {len(applied)} times over, which is not read")
    size = _decoded(data, applied[0], limit)
    if size > limit:
        raise OSError(
            f"{name}: the chunk at {corner} would decode to {size} bytes or more, a chunk has "
            f"{limit}"
        )


def _decoded(data: bytes, code: int, limit: int) -> int:
    """Bytes that the outermost packing decodes to; counted no further than just above `limit`."""
    if code == _DEFLATE:
        return 0 if len(data) * _DEFLATE_RATIO <= max(limit, _HARMLESS) else _inflated(data, limit)
    if code == _ZSTD:
        return zstd_decoded_size(data, limit)
    if code == _BLOSC:
        return int.from_bytes(data[4:8], "little")
    return int.from_bytes(data[:8], "big")


def _inflated(data: bytes, limit: int) -> int:
    decoder, total = zlib.decompressobj(), 0
    try:
        while data and not decoder.eof and total <= limit:
            total += len(decoder.decompress(data, _STEP))
            data = decoder.unconsumed_tail
    except zlib.error:
        return total  # HDF5 says what is wrong with it
    return total
