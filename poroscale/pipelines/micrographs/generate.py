"""From a trained generator to micrographs of any condition, count and size."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, PositiveInt, field_validator

from poroscale.config import Config
from poroscale.engine import JobPlan, Pass, Run, connect, fill_pass, forget_models, plan_job
from poroscale.micrographs.conditions import (
    NONE,
    MicrographCondition,
    asked_conditions,
    condition_word,
    conditions_in_words,
)
from poroscale.micrographs.dataset import IMAGES, MicrographSet, MicrographSettings
from poroscale.micrographs.gan.model import MicrographModel
from poroscale.micrographs.gan.sampler import GeneratedMicrographs
from poroscale.pipelines.micrographs.table import PIXEL
from poroscale.verb import Section, verb
from poroscale.volume import VolumeSpec

log = logging.getLogger("poroscale.micrographs")

PICTURES, TABLE = "pictures", "conditions.csv"
CHUNK = 256
"""Edge of a chunk of the stack, at the most [pixels]."""


class GenerateSemConfig(Config):
    """Settings for generating micrographs.

    Attributes
    ----------
    condition
        Conditions as "NAME=VALUE", with commas between; of a name with several values each is
        taken, in all combinations. Every condition of the model must be stated.
    count
        Images of each combination.
    size
        Height and width of an image [pixels]; None takes those of the chips of the training.
    seed
        Number from which the noises are drawn.
    device
        Device on which the generator computes.
    pictures
        Whether the images are written as PNG files, too, with a table of their conditions.
    """

    condition: str = ""
    count: PositiveInt = 1
    size: tuple[PositiveInt, PositiveInt] | None = None
    seed: int = Field(0, ge=0, lt=2**64)
    device: Literal["cpu", "cuda"] = "cpu"
    pictures: bool = False

    @field_validator("condition", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        """A mapping, as Python users give it, in words."""
        if not isinstance(given, Mapping):
            return given
        pieces = []
        for name, value in given.items():
            values = value if isinstance(value, list | tuple | np.ndarray) else [value]
            pieces += [f"{name}={condition_word(each)}" for each in values]
        return ",".join(pieces)


@dataclass(frozen=True)
class _Asked:
    model: MicrographModel
    sampler: GeneratedMicrographs

    @classmethod
    def of(cls, model: str | Path, config: GenerateSemConfig) -> _Asked:
        opened = MicrographModel.open(model)
        wanted = asked_conditions(opened.conditions, conditions_in_words(config.condition))
        codes = [one for one in wanted for _ in range(config.count)]
        sampler = GeneratedMicrographs.of(
            opened, codes, config.size, seed=config.seed, device=config.device
        )
        return cls(opened, sampler)

    @property
    def spec(self) -> VolumeSpec:
        edge = self.model.settings.pixel_um or 1.0
        tile = self.sampler.tile[1:]
        rows, columns = (each * max(1, CHUNK // each) for each in tile)
        return VolumeSpec(
            self.sampler.shape,
            self.sampler.dtype,
            (edge, edge, edge),
            attributes={"kind": "micrographs", "model": self.model.digest},
            chunks=(1, rows, columns),
        )

    @property
    def declared(self) -> Pass:
        return Pass(
            "generate micrographs",
            self.sampler,
            writes=self.sampler.dtype,
            temporary=0.0,
            fixed=self.sampler.need,
            held=self.sampler.held,
            libraries=("torch",),
            multiple=self.sampler.tile,
        )


def plan_generate_sem(
    model: str | Path, *, config: GenerateSemConfig | None = None, run: Run | None = None
) -> JobPlan:
    """The plan of `generate_sem`, with the same arguments."""
    asked = _Asked.of(model, config or GenerateSemConfig())
    return plan_job(asked.spec, {asked.declared.title: asked.declared}, run or Run())


@verb(
    "generate_sem",
    Section.of("generate", GenerateSemConfig),
    plan="plan_generate_sem",
)
def generate_sem(
    model: str | Path,
    out_dir: str | Path,
    *,
    config: GenerateSemConfig | None = None,
    run: Run | None = None,
) -> MicrographSet:
    """Generate micrographs of given conditions, of any size.

    Parameters
    ----------
    model
        Folder that `train_sem` made.
    out_dir
        Folder of the set: `images.zarr`, `images.parquet` and `micrographs.json`.
    config
        Conditions, number, size and seed.
    run
        Memory, workers and cluster; changes no byte of the output.

    Returns
    -------
    MicrographSet
        The images with their conditions, a set like one of real images.

    Raises
    ------
    ValueError
        If a condition is missing, or the model does not know it, or makes images of one size alone.
    FileNotFoundError, OSError
        If the model is missing, or a file of it was altered.
    MemoryError
        If the budget cannot hold a tile.
    """
    config, out_dir = config or GenerateSemConfig(), Path(out_dir)
    asked = _Asked.of(model, config)
    if out_dir.resolve().is_relative_to(asked.model.folder.resolve()):
        raise ValueError(
            f"output must not lie inside the model {asked.model.folder}, got {out_dir}"
        )
    try:
        with connect(run or Run(), job="generate") as shared:
            fill_pass(
                asked.declared,
                out_dir / IMAGES,
                spec=asked.spec,
                recipe=dict(asked.sampler.recipe),
                run=shared,
            )
    finally:
        forget_models()  # the next job plans its memory beside what this process holds
    found = _saved(asked, out_dir, config)
    if config.pictures:
        write_pictures(found)
    return found


def _saved(asked: _Asked, folder: Path, config: GenerateSemConfig) -> MicrographSet:
    model, sampler = asked.model, asked.sampler
    count = len(sampler.codes)
    names = np.array([f"{number:04}" for number in range(count)])
    codes = np.array(sampler.codes, np.float64)
    rows = {
        "image": names,
        "specimen": names,
        "height": np.full(count, sampler.height),
        "width": np.full(count, sampler.width),
        "pixel_um": np.full(count, model.settings.pixel_um or float("nan"), np.float64),
        "group": np.arange(count),
    }
    for condition, column in zip(model.conditions, codes.T, strict=True):
        rows[condition.name] = column_of(condition, column.tolist())
    low, high = model.settings.window
    settings = MicrographSettings(
        bits=model.settings.bits,
        pixel_um=model.settings.pixel_um,
        levels=(low, high),
        generated={
            "model": model.digest,
            "conditions": [each.stored for each in model.conditions],
            "seed": config.seed,
        },
    )
    return MicrographSet.save(folder, settings, rows)


def column_of(condition: MicrographCondition, codes: Sequence[float]) -> np.ndarray[Any, Any]:
    """The column of a table that codes stand for: numbers of a continuous condition, or names."""
    if not condition.levels:
        return np.array([condition.value(code) for code in codes], np.float64)
    words = [condition.in_words(code) for code in codes]
    return np.array(["" if word == NONE else word for word in words])


def write_pictures(found: MicrographSet) -> Path:
    """Write the images of a set as PNG files with a table of their conditions; their folder."""
    from PIL import Image

    folder = found.folder / PICTURES
    folder.mkdir(exist_ok=True)
    for earlier in folder.glob("*.png"):  # of a set with more images, which was replaced
        earlier.unlink()
    columns = dict(found.conditions)
    if found.settings.pixel_um is not None:
        columns[PIXEL] = found.rows[PIXEL]
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *columns])
        for number, name in enumerate(found.names):
            height, width = (int(found.rows[side][number]) for side in ("height", "width"))
            pixels = found.images.read((number, 0, 0), (1, height, width))[0]
            Image.fromarray(pixels).save(folder / f"{name}.png")
            writer.writerow([f"{name}.png", *(column[number] for column in columns.values())])
    return folder
