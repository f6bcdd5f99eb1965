"""`poroscale fit microstructure` and `generate microstructure`: from an image to a volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from poroscale.cli.command import Argument, Command, Values, Words


def tell_fitted(model: Any, _given: Values) -> Iterator[str]:
    """Phases, and what the fit found."""
    yield from model.describe()


def tell_volume(volume: Any, _given: Values) -> Iterator[str]:
    """Its shape."""
    z, y, x = volume.shape
    yield f"{volume.path}: {x} x {y} x {z} voxels of {volume.voxel_size[0]:g} um"


COMMANDS = (
    Command(
        "fit microstructure",
        tell_fitted,
        section="Microstructures",
        arguments=(Words(("images", "model_dir"), "IMAGE [...] MODEL_DIR", "Segmented images."),),
        metavars={"planes": "yx,zx,zy", "fraction": "PHASE=F", "weights": "FILE.npz"},
    ),
    Command(
        "generate microstructure",
        tell_volume,
        section="Microstructures",
        arguments=(Argument("model", "MODEL_DIR"), Argument("out", "OUT.zarr")),
        metavars={"fraction": "PHASE=F", "gradient": "PHASE:AXIS:FIRST:LAST", "mask": "MASK.zarr"},
    ),
)
