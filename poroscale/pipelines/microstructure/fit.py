"""From one image, or a few, to a model of a microstructure."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Literal

import torch
from pydantic import PositiveFloat, PositiveInt

from poroscale.config import Config
from poroscale.engine import JobPlan, Run, connect
from poroscale.engine.jobs.recipe import plain
from poroscale.engine.jobs.work import held_folder
from poroscale.manifest import digest_of, record_results
from poroscale.microstructure.field.fit import LONGEST, FittedField, fit_bytes, fit_field
from poroscale.microstructure.field.observed import Observed
from poroscale.microstructure.field.sampler import EDGES, field_tile
from poroscale.microstructure.model import (
    IMAGES,
    ImageEntry,
    MicrostructureModel,
    MicrostructureSettings,
)
from poroscale.pipelines.microstructure.images import (
    Image,
    TrainingImages,
    image_name,
    observed,
    plan_image,
    training_images,
)
from poroscale.training import load_weights, save_weights
from poroscale.verb import Section, verb

ALLOWED, WORKERS = 3 << 29, 2
"""Memory and workers for which a tile is chosen [bytes]: a model has one tile on every machine."""


class MicrostructureConfig(Config):
    """Settings for fitting a microstructure.

    Attributes
    ----------
    method
        "field" cuts Gaussian fields at levels, without training.
    planes
        Axes of the rows and columns of each section, as "yx,zx"; by default yx, zx and zy in this
        order. One section alone stands for all directions.
    phases
        Number of phases of the images; None takes as many as there are values, 8 at most.
    reach
        Largest lag that is fitted [voxels]; None takes six times the distance at which the
        correlation has fallen to 1/e, 48 at most.
    voxel_um
        Edge of a voxel, for pictures that do not state it [um]; None takes 1.
    tile
        Edge of the tiles that are computed [voxels]; None takes the one whose halo costs least
        where two workers have 1.5 GiB. Volumes from one model with tiles of another edge may
        differ in single voxels.
    """

    method: Literal["field"] = "field"
    planes: str | None = None
    phases: PositiveInt | None = None
    reach: PositiveInt | None = None
    voxel_um: PositiveFloat | None = None
    tile: PositiveInt | None = None


def plan_fit_microstructure(
    images: Sequence[Image],
    *,
    config: MicrostructureConfig | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `fit_microstructure`, image by image: its pairs are counted, then kernels fitted.

    Raises
    ------
    MemoryError
        If the budget cannot hold one block of an image.
    """
    reach = (config or MicrostructureConfig()).reach or LONGEST
    return JobPlan(
        jobs={image_name(each): plan_image(each, fit_bytes(reach), run) for each in images}
    )


@verb(
    "fit_microstructure",
    Section.of("microstructure", MicrostructureConfig),
    plan="plan_fit_microstructure",
)
def fit_microstructure(
    images: Sequence[Image],
    model_dir: str | Path,
    *,
    config: MicrostructureConfig | None = None,
    run: Run | None = None,
) -> MicrostructureModel:
    """Fit a model of a microstructure to an image, or to a few.

    Parameters
    ----------
    images
        Segmented images: pictures (PNG, BMP, TIFF), or volumes. Their phases are 0 to n - 1 by
        ascending grey. One section stands for an isotropic medium; two or three, of planes across
        different axes, for one whose directions differ; a volume for itself.
    model_dir
        Folder of the model.
    config
        Method and settings.
    run
        Memory, workers and cluster.

    Returns
    -------
    MicrostructureModel
        As it stands in the folder.

    Raises
    ------
    ValueError
        If an image shows one phase or too many values, images disagree in values or fractions, or
        the folder holds a model that was fitted otherwise.
    """
    config, model_dir, run = config or MicrostructureConfig(), Path(model_dir), run or Run()
    with held_folder(model_dir), connect(run, job="fit") as shared:
        planes = config.planes.split(",") if config.planes else None
        found = training_images(
            images,
            model_dir / IMAGES,
            planes=planes,
            phases=config.phases,
            voxel_um=config.voxel_um,
            run=shared,
        )
        recipe = config.model_dump() | {"images": [plain(each) for each in found.volumes]}
        if not run.overwrite and (done := _finished(model_dir, recipe)) is not None:
            return done
        model = _fitted(found, observed(found, run=shared), model_dir, config, recipe)
        model.save()
        kept = [f"{IMAGES}/{k}.zarr" for k in range(len(found.volumes))]
        record_results(model_dir, outputs=[each for each in kept if (model_dir / each).is_dir()])
    return model


def _finished(model_dir: Path, recipe: dict[str, object]) -> MicrostructureModel | None:
    try:
        found = MicrostructureModel.open(model_dir)
    except FileNotFoundError:
        return None
    if digest_of(found.settings.recipe) == digest_of(recipe):
        return found
    raise ValueError(
        f"{model_dir} was fitted to other images or with other settings; choose another name, or "
        "replace it with `overwrite`"
    )


def _fitted(
    images: TrainingImages,
    correlations: list[Observed],
    model_dir: Path,
    config: MicrostructureConfig,
    recipe: dict[str, object],
) -> MicrostructureModel:
    alone = images.planes == ("yx",)
    fitted = fit_field(correlations, isotropic_medium=alone, reach=config.reach)
    digest = save_field(fitted, model_dir)
    reaches = tuple(len(kernel) // 2 for kernel in fitted.kernels)
    edges = EDGES if config.tile is None else (config.tile,)
    tile = field_tile(reaches, allowed=ALLOWED, workers=WORKERS, edges=edges).tile
    settings = MicrostructureSettings(
        method="field",
        greys=tuple(float(value) for value in images.phases.values),
        fractions=fitted.fractions,
        deviations=_deviations(correlations),
        voxel_size_um=images.voxel_size,
        tile=tile,
        images=tuple(_entry(images, number) for number in range(len(images.volumes))),
        details={
            "order": list(fitted.order),
            "reaches": list(reaches),
            "residuals": fitted.residuals,
            "weights": digest,
            "isotropic": alone,
        },
        recipe=recipe,
    )
    return MicrostructureModel(model_dir, settings)


def save_field(fitted: FittedField, model_dir: Path) -> str:
    """Write the kernels of a field; the checksum of their file."""
    path = model_dir / "weights.safetensors"
    tensors = {f"kernel_{k}": torch.from_numpy(each) for k, each in enumerate(fitted.kernels)}
    save_weights(path, tensors, {"method": "field", "order": list(fitted.order)})
    return str(load_weights(path)[1]["sha256"])


def _deviations(correlations: list[Observed]) -> tuple[float | None, ...]:
    """Of the fractions, as the least that one image tells."""
    found: list[float | None] = []
    for code in range(correlations[0].found.phases.count):
        values = [each.found.fraction_deviation(code) for each in correlations]
        known = [value for value in values if isfinite(value)]
        found.append(min(known) / len(known) ** 0.5 if known else None)
    return tuple(found)


def _entry(images: TrainingImages, number: int) -> ImageEntry:
    volume = images.volumes[number]
    return ImageEntry(
        name=images.names[number],
        digest=volume.digest,
        shape=volume.shape,
        plane=images.planes[number],
    )
