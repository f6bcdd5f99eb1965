"""`poroscale fit`, `generate` and `compare microstructure`: from an image to volumes like it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from poroscale.cli.command import Argument, Command, Values, Words


def tell_fitted(model: Any, _given: Values) -> Iterator[str]:
    """Phases, and what the fit found."""
    yield from model.describe()


def tell_volume(volume: Any, _given: Values) -> Iterator[str]:
    """Its shape."""
    z, y, x = volume.shape
    yield f"{volume.path}: {x} x {y} x {z} voxels of {volume.voxel_size[0]:g} um"


def tell_likeness(found: Any, given: Values) -> Iterator[str]:
    """The page, and the verdict."""
    yield f"{Path(given['out_dir']) / 'comparison.html'}: the comparison"
    yield from found.describe()


INCLUDED = "electrode, sandstone, silica"
"""Their folders lie in the package, which starts faster where it need not look for them."""

COMMANDS = (
    Command(
        "fit microstructure",
        tell_fitted,
        section="Microstructures",
        arguments=(Words(("images", "model_dir"), "IMAGE [...] MODEL_DIR", "Segmented images."),),
        metavars={
            "planes": "yx,zx,zy",
            "fraction": "PHASE=F",
            "weights": "FILE.npz",
            "within": "PHASES",
            "region": "PHASES",
        },
    ),
    Command(
        "generate microstructure",
        tell_volume,
        section="Microstructures",
        arguments=(
            Argument("model", "MODEL", f"Folder of a model, or an included one: {INCLUDED}."),
            Argument("out", "OUT.zarr"),
        ),
        metavars={
            "fraction": "PHASE=F",
            "gradient": "PHASE:AXIS:FIRST:LAST",
            "mask": "MASK.zarr",
            "inside": "MASK.zarr",
        },
    ),
    Command(
        "compare microstructure",
        tell_likeness,
        section="Microstructures",
        arguments=(
            Argument(
                "reference", help="Segmented image or volume; several with commas.", commas=True
            ),
            Argument("generated", help="Volumes of phases; several with commas.", commas=True),
            Argument("out_dir", help="Gets comparison.html, comparison.json and curves.parquet."),
        ),
    ),
)
