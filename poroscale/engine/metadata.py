"""The `zarr.json` documents of a volume: OME-Zarr 0.5 metadata of its group, and of each level.

https://ngff.openmicroscopy.org/0.5/
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from poroscale.kernels.chunks import ZSTD_LEVEL
from poroscale.volume import PHASES, VolumeSpec

_METHODS = {
    "mean": "each voxel is the mean of 2 x 2 x 2, integers rounded half up",
    "max": "each voxel is the largest of 2 x 2 x 2, so that no pore vanishes",
    "none": "full resolution alone",
}
_COLOURS = {"outside": (0, 0, 0, 0), "solid": (160, 160, 160, 255), "pore": (220, 50, 47, 255)}


def json_of(document: dict[str, Any], *, sort_keys: bool = False) -> bytes:
    """A document as it is written."""
    return json.dumps(document, indent=2, sort_keys=sort_keys).encode()


def group_metadata(spec: VolumeSpec) -> dict[str, Any]:
    """The `zarr.json` of a volume's group.

    It repeats the metadata of the levels, as zarr's consolidated metadata do. A reader that has
    them need not list the folder, where it would find our journal and wonder about it.
    """
    levels = {str(level): array_metadata(spec.at_level(level)) for level in range(spec.levels)}
    return {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": group_attributes(spec),
        "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": levels},
    }


def group_attributes(spec: VolumeSpec) -> dict[str, Any]:
    """OME-NGFF 0.5 metadata of a volume and its pyramid, with what its strict schema asks for.

    A coarser voxel's centre is the mean of the centres it stands for: it lies half a voxel
    times the factor from the corner.
    """
    axes = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"]
    datasets = [
        {"path": str(level), "coordinateTransformations": _transformations(spec, 2**level)}
        for level in range(spec.levels)
    ]
    how = spec.pyramid or "none"
    image = {
        "name": "volume",
        "axes": axes,
        "datasets": datasets,
        "type": how,
        "metadata": {"method": "poroscale.kernels.pyramid.coarsen", "description": _METHODS[how]},
    }
    own = {
        "origin": list(spec.origin),
        "attributes": dict(spec.attributes),
        "pyramid": spec.pyramid,
    }
    ome = {"version": "0.5", "multiscales": [image], **_image_label(spec)}
    return {"ome": ome, "poroscale": own}


def _image_label(spec: VolumeSpec) -> dict[str, Any]:
    """Metadata that makes a viewer show labels and phases as such, not as grey values."""
    kind = spec.attributes.get("kind")
    if kind == "labels":
        return {"image-label": {"colors": [_colour(0, "outside")]}}
    if kind != "phases":
        return {}
    colours = [_colour(value, phase) for phase, value in PHASES.items()]
    classes = [{"label-value": value, "class": phase} for phase, value in PHASES.items()]
    return {"image-label": {"colors": colours, "properties": classes}}


def _colour(value: int, phase: str) -> dict[str, Any]:
    return {"label-value": value, "rgba": list(_COLOURS[phase])}


def _transformations(spec: VolumeSpec, factor: int) -> list[dict[str, Any]]:
    scale = [edge * factor for edge in spec.voxel_size]
    shift = [
        (o + 0.5 * factor) * edge for o, edge in zip(spec.origin, spec.voxel_size, strict=True)
    ]
    return [
        {"type": "scale", "scale": scale},
        {"type": "translation", "translation": shift},
    ]


def array_metadata(spec: VolumeSpec) -> dict[str, Any]:
    """The `zarr.json` of an array, entry by entry as zarr itself writes it."""
    order = {"configuration": {"endian": "little"}} if spec.dtype.itemsize > 1 else {}
    packing = {"level": ZSTD_LEVEL, "checksum": True}
    return {
        "shape": list(spec.shape),
        "data_type": spec.dtype.name,
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": list(spec.chunk_shape)},
        },
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": np.zeros((), spec.dtype).item(),
        "codecs": [{"name": "bytes", **order}, {"name": "zstd", "configuration": packing}],
        "attributes": {},
        "dimension_names": ["z", "y", "x"],
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }
