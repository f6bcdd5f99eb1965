"""Recognition of formats: one function that looks at a path and returns the source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from poroscale.io.flat.layout import layout_source
from poroscale.io.flat.raw import RAW_SUFFIXES, find_layout, read_header
from poroscale.io.flat.raw_name import HEADER_SUFFIXES
from poroscale.io.flat.vol_info import info_beside, read_info
from poroscale.io.hdf5.dataset import HDF5_SUFFIXES, open_hdf5
from poroscale.io.read.channels import Channel, no_channels
from poroscale.io.read.source import Source
from poroscale.io.slices.dicom_files import DICOM_SUFFIXES, dicom_files
from poroscale.io.slices.sequence import PICTURE_SUFFIXES, TIFF_SUFFIXES, slice_files
from poroscale.io.slices.skyscan import logged_voxel_size
from poroscale.manifest import JOURNAL_DIR, local

_ZARR_MARKS = ("zarr.json", ".zarray", ".zgroup")
_HEADERS = {*HEADER_SUFFIXES, ".mha", ".nrrd"}
_ZIPPED = (".zarr.zip", ".ozx")
_NAMED = (*HDF5_SUFFIXES, *_ZIPPED, ".npz")
XRADIA_SUFFIXES = (".txm", ".txrm", ".xrm")
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
        A folder of slices or of a DICOM series; a TIFF, RAW (or its side-car), MetaImage, NRRD,
        NIfTI, HDF5/NeXus, `.npy`, `.npz`, PyHST, TXM or picture file; a Zarr or OME-Zarr store,
        also zipped; a volume of this program. A dataset inside a file or store may be named as
        ``file.h5::/entry/data``.
    dataset
        Name of the dataset, as an argument of its own.
    pattern
        Shell pattern that picks the slices of one series from a folder.
    channel
        Index, from 0, along the axis of channels of an HDF5 dataset or a Zarr array that has one;
        which numbers of the pixels of TIFF, pictures, MetaImage, NRRD and NIfTI, or "index" for the
        stored numbers of a palette.
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
    if not local(path).exists():
        raise FileNotFoundError(f"{path} does not exist")
    if not (path.is_dir() or path.is_file()):
        raise ValueError(f"{path} must be a file or a folder; it is a pipe or a device")
    if not path.name:  # `.` has no name to be told by in a sentence
        path = path.resolve()
    if path.is_dir():
        return _open_folder(path, dataset, pattern, channel)
    return _open_file(path, dataset, scratch, channel)


def _open_folder(
    path: Path, dataset: str | None, pattern: str | None, channel: Channel | None
) -> Source:
    if (path / JOURNAL_DIR).is_dir() and dataset is None:
        from poroscale.io.zarr_stores.stored import StoredSource

        no_channels(channel, path.name)
        return StoredSource.of(path)
    if any((path / mark).is_file() for mark in _ZARR_MARKS):
        from poroscale.io.zarr_stores.array import open_zarr

        return open_zarr(path, dataset, channel)
    if files := dicom_files(path, pattern):
        from poroscale.io.slices.dicom import open_dicom

        no_channels(channel, path.name)
        return open_dicom(path, files)
    return _open_pictures(path, slice_files(path, pattern), channel)


def _open_pictures(folder: Path, files: tuple[str, ...], channel: Channel | None) -> Source:
    source = _open_slices(folder, files, channel)
    if source.voxel_size is not None:
        return source
    return replace(source, voxel_size=logged_voxel_size(folder, files[0]))


def _open_slices(folder: Path, files: tuple[str, ...], channel: Channel | None) -> Source:
    if Path(files[0]).suffix.lower() in TIFF_SUFFIXES:
        from poroscale.io.tiff.files import open_slices

        return open_slices(folder, files, channel)
    from poroscale.io.slices.picture import open_pictures

    return open_pictures(folder, files, channel)


def _open_file(
    path: Path, dataset: str | None, scratch: Path | None, channel: Channel | None
) -> Source:
    suffix = path.suffix.lower()
    if dataset is not None and not path.name.lower().endswith(_NAMED):
        raise ValueError(f"{path.name} holds one volume, which has no name: got ::{dataset}")
    if info := info_beside(path):
        return layout_source(read_info(info), scratch, channel)
    if suffix in RAW_SUFFIXES:
        return layout_source(find_layout(path), scratch, channel)
    if suffix in _HEADERS:
        return layout_source(read_header(path), scratch, channel)
    if path.name.lower().endswith(_NIFTI):
        from poroscale.io.flat.nifti import open_nifti

        return open_nifti(path, scratch, channel)
    return _open_container(path, dataset, scratch, channel) or _open_whole_file(path, channel)


def _open_container(
    path: Path, dataset: str | None, scratch: Path | None, channel: Channel | None
) -> Source | None:
    """The source of a file in which arrays or slices have names; None if it is none."""
    suffix = path.suffix.lower()
    if suffix in HDF5_SUFFIXES:
        return open_hdf5(path, dataset, channel)
    if path.name.lower().endswith(_ZIPPED):
        from poroscale.io.zarr_stores.array import open_zarr

        return open_zarr(path, dataset, channel)
    if suffix not in {".npz", *XRADIA_SUFFIXES, *DICOM_SUFFIXES}:
        return None
    no_channels(channel, path.name)
    if suffix == ".npz":
        from poroscale.io.flat.npy import open_npz

        return open_npz(path, dataset, scratch)
    if suffix in XRADIA_SUFFIXES:
        from poroscale.io.flat.txm import open_txm

        return open_txm(path)
    from poroscale.io.slices.dicom import open_dicom

    return open_dicom(path.parent, (path.name,))


def _open_whole_file(path: Path, channel: Channel | None) -> Source:
    suffix = path.suffix.lower()
    if suffix in TIFF_SUFFIXES:
        from poroscale.io.tiff.files import open_multipage

        return open_multipage(path, channel)
    if suffix in PICTURE_SUFFIXES:
        return _open_pictures(path.parent, (path.name,), channel)
    if suffix == ".npy":
        from poroscale.io.flat.npy import open_npy

        no_channels(channel, path.name)
        return open_npy(path)
    raise ValueError(
        f"{path.name}: the format must be one of TIFF, PNG, JPEG, BMP, RAW, MetaImage, NRRD, VGI, "
        f"NIfTI, HDF5, NumPy, Zarr, DICOM, TXM or a folder of slices, got {suffix or 'no suffix'!r}"
    )
