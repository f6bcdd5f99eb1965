"""Which format is it? One function that looks at a path and hands out the source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from poroscale.io.channels import Channel, no_channels
from poroscale.io.hdf5 import HDF5_SUFFIXES, open_hdf5
from poroscale.io.layout import layout_source
from poroscale.io.raw import RAW_SUFFIXES, find_layout, read_header
from poroscale.io.raw_name import HEADER_SUFFIXES
from poroscale.io.sequence import PICTURE_SUFFIXES, TIFF_SUFFIXES, slice_files
from poroscale.io.skyscan import logged_voxel_size
from poroscale.io.source import Source
from poroscale.manifest import JOURNAL_DIR

_ZARR_MARKS = ("zarr.json", ".zarray", ".zgroup")
_HEADERS = {*HEADER_SUFFIXES, ".mha", ".nrrd"}
_NIFTI = (".nii", ".nii.gz", ".nii.bz2", ".hdr", ".img")


def open_source(
    path: str | Path,
    *,
    dataset: str | None = None,
    pattern: str | None = None,
    channel: Channel | None = None,
    scratch: Path | None = None,
) -> Source:
    """The volume in `path`, whatever its format, ready to be read box by box.

    Parameters
    ----------
    path
        A folder of slices; a TIFF, RAW (or its side-car), MetaImage, NRRD, NIfTI, HDF5/NeXus,
        `.npy` or picture file; a Zarr or OME-Zarr store; a volume of this program. A dataset
        inside a file or store may be named as ``file.h5::/entry/data``.
    dataset
        The same, as an argument of its own.
    pattern
        Shell pattern that picks the slices of one series from a folder.
    channel
        Which numbers of the pixels, from 0, where there are several; "index" for the stored
        numbers of a palette. Of TIFF, pictures, MetaImage, NRRD and NIfTI.
    scratch
        Folder to which gzip, zlib or bzip2 voxels are unpacked; without it the source tells its
        shape and voxel size, and cannot be read.

    Returns
    -------
    Source
        Its voxel size is None where the file does not state one with a unit.

    Raises
    ------
    FileNotFoundError
        If `path` does not exist, or a folder holds nothing to read.
    ValueError
        If the format is not known or the file is not whole.
    """
    base, separator, inside = str(path).partition("::")
    path, dataset = Path(base), (inside if separator else dataset)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if path.is_dir():
        return _open_folder(path, dataset, pattern, channel)
    return _open_file(path, dataset, channel, scratch)


def _open_folder(
    path: Path, dataset: str | None, pattern: str | None, channel: Channel | None
) -> Source:
    if (path / JOURNAL_DIR).is_dir() and dataset is None:
        from poroscale.io.stored import StoredSource

        no_channels(channel, path.name)
        return StoredSource.of(path)
    if any((path / mark).is_file() for mark in _ZARR_MARKS):
        from poroscale.io.zarr_array import open_zarr

        no_channels(channel, path.name)
        return open_zarr(path, dataset)
    return _open_pictures(path, slice_files(path, pattern), channel)


def _open_pictures(folder: Path, files: tuple[str, ...], channel: Channel | None) -> Source:
    source = _open_slices(folder, files, channel)
    if source.voxel_size is not None:
        return source
    return replace(source, voxel_size=logged_voxel_size(folder, files[0]))


def _open_slices(folder: Path, files: tuple[str, ...], channel: Channel | None) -> Source:
    if Path(files[0]).suffix.lower() in TIFF_SUFFIXES:
        from poroscale.io.tiff import open_slices

        return open_slices(folder, files, channel)
    from poroscale.io.picture import open_pictures

    return open_pictures(folder, files, channel)


def _open_file(
    path: Path, dataset: str | None, channel: Channel | None, scratch: Path | None
) -> Source:
    suffix = path.suffix.lower()
    if suffix in RAW_SUFFIXES:
        return layout_source(find_layout(path), scratch, channel)
    if suffix in _HEADERS:
        return layout_source(read_header(path), scratch, channel)
    if suffix in HDF5_SUFFIXES:
        no_channels(channel, path.name)
        return open_hdf5(path, dataset)
    if path.name.lower().endswith(_NIFTI):
        from poroscale.io.nifti import open_nifti

        return open_nifti(path, scratch, channel)
    return _open_whole_file(path, channel)


def _open_whole_file(path: Path, channel: Channel | None) -> Source:
    suffix = path.suffix.lower()
    if suffix in TIFF_SUFFIXES:
        from poroscale.io.tiff import open_multipage

        return open_multipage(path, channel)
    if suffix in PICTURE_SUFFIXES:
        return _open_pictures(path.parent, (path.name,), channel)
    if suffix == ".npy":
        from poroscale.io.npy import open_npy

        no_channels(channel, path.name)
        return open_npy(path)
    raise ValueError(
        f"{path.name}: the format must be one of TIFF, PNG, JPEG, BMP, RAW, MetaImage, NRRD, VGI, "
        f"NIfTI, HDF5, NumPy, Zarr or a folder of slices, got {suffix or 'no suffix'!r}"
    )
