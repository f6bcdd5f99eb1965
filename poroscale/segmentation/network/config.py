"""Configuration of the segmentation by a network; it opens no model and imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import NonNegativeInt, PositiveInt, model_validator

from poroscale.config import Config, parse_stages
from poroscale.kernels.window_sums import Weight
from poroscale.segmentation.scores.config import PostprocessConfig, ScoresConfig

Precision = Literal["float32", "bf16", "fp16"]
DEFAULT_MODEL = "default"
"""Name of the model that is delivered with the package."""


class WindowsConfig(Config):
    """Settings for the windows of a scan, and the device on which they are inferred.

    Attributes
    ----------
    overlap
        Voxels that neighbours share; None is half a window.
    weight
        Weight in the average of overlapping windows.
    tiles
        For purely convolutional networks: tiles side by side with the network's halo of context in
        place of overlapping windows.
    tile_edge
        Edge of such tiles [voxels], a multiple of what the network pools by; None is that of its
        patches. The larger, the less of what is computed is halo, and the more memory it takes.
    batch
        Windows at a time; None is what a probe finds on a GPU, and on the CPU 2, or 1 where they
        are large (from full width and 64 voxels on) or tiles.
    device, precision
        "auto" takes a GPU where there is one; None is bf16 there and float32 on the CPU.
    postprocess
        Take the scores of the surface off those of unsupervised networks.
    """

    overlap: NonNegativeInt | None = None
    weight: Weight = "constant"
    tiles: bool = False
    tile_edge: PositiveInt | None = None
    batch: PositiveInt | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Precision | None = None
    postprocess: bool = True

    @model_validator(mode="after")
    def _of_tiles(self) -> Self:
        if self.tile_edge is not None and not self.tiles:
            raise ValueError("tile_edge must come with tiles")
        return self


STAGES: dict[str, type[Config]] = {
    "windows": WindowsConfig,
    "postprocess": PostprocessConfig,
    "scores": ScoresConfig,
}
"""Sections of a file that are stages of a segmentation by a network."""


@dataclass(frozen=True)
class ByNetworkConfig:
    """Settings of a segmentation by a network; a section of a YAML file is named as its stage.

    Attributes
    ----------
    windows
        Settings of the windows.
    postprocess
        Settings of the post-processing of unsupervised networks.
    scores
        Settings by which scores become phases.
    model
        Folder of the network; "default" is the model that is delivered with the package.
    """

    windows: WindowsConfig = field(default_factory=WindowsConfig)
    postprocess: PostprocessConfig = field(default_factory=PostprocessConfig)
    scores: ScoresConfig = field(default_factory=ScoresConfig)
    model: str | Path = DEFAULT_MODEL

    @classmethod
    def of(
        cls, sections: Mapping[str, Mapping[str, Any]], *, model: str | Path = DEFAULT_MODEL
    ) -> ByNetworkConfig:
        """The settings in the sections of a file.

        Raises
        ------
        ValueError
            Naming an unknown section or key, or a wrong value.
        """
        return cls(**parse_stages(STAGES, sections), model=model)
