"""From one image, or a few, to a model of a microstructure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from math import isfinite
from pathlib import Path
from shutil import rmtree
from typing import Any

from poroscale.engine import JobPlan, Run, connect
from poroscale.engine.job_plan import planned
from poroscale.engine.jobs.recipe import plain
from poroscale.engine.jobs.work import held_folder
from poroscale.events import Progress
from poroscale.manifest import digest_of, record_results
from poroscale.microstructure.field.observed import Observed
from poroscale.microstructure.model import (
    IMAGES,
    ImageEntry,
    Kind,
    MicrostructureModel,
    MicrostructureSettings,
)
from poroscale.pipelines.microstructure.images import (
    LIKELY_PHASES,
    Image,
    TrainingImages,
    grey_images,
    image_name,
    listed_images,
    observed,
    plan_image,
    training_images,
)
from poroscale.pipelines.microstructure.methods.contract import TRAINING, FitInput
from poroscale.pipelines.microstructure.methods.registry import METHODS
from poroscale.pipelines.microstructure.regions import local_images, region_images
from poroscale.pipelines.microstructure.settings import (
    STAGES,
    FitMicrostructureConfig,
    MicrostructureConfig,
    check_kind,
)
from poroscale.verb import Section, verb


def plan_fit_microstructure(
    images: Image | Sequence[Image],
    *,
    config: FitMicrostructureConfig | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `fit_microstructure`, image by image: its pairs are counted, then it is fitted.

    Phases are not counted for it: without the setting `phases` there are taken to be three.

    Raises
    ------
    MemoryError
        If the budget cannot hold one block of an image.
    """
    config, images = config or FitMicrostructureConfig(), listed_images(images)
    check_kind(config.microstructure)
    held, kind = METHODS[config.microstructure.method].need(config), _kind(config)
    phases = config.microstructure.phases or LIKELY_PHASES
    jobs: dict[str, JobPlan] = {}
    for number, each in enumerate(images):
        name = image_name(each)
        label = f"{name} ({number})" if name in jobs else name
        jobs[label] = plan_image(each, held, run, kind, phases)
    return JobPlan(jobs=jobs)


def fit_config_of_file(sections: Mapping[str, Mapping[str, Any]]) -> FitMicrostructureConfig:
    """The settings in a file that may hold sections of other verbs, too."""
    return FitMicrostructureConfig.of_sections(
        {name: sections[name] for name in STAGES if name in sections}
    )


@verb(
    "fit_microstructure",
    *(Section.of(name, model) for name, model in STAGES.items()),
    plan="plan_fit_microstructure",
    parse=fit_config_of_file,
)
def fit_microstructure(
    images: Image | Sequence[Image],
    model_dir: str | Path,
    *,
    config: FitMicrostructureConfig | None = None,
    run: Run | None = None,
    progress: Progress | None = None,
) -> MicrostructureModel:
    """Fit a model of a microstructure to an image, or to a few.

    A training that was stopped goes on from its last checkpoint when the same fit is asked for.

    Parameters
    ----------
    images
        Segmented images: pictures (PNG, BMP, TIFF), volumes, or arrays (y, x) or (z, y, x). Their
        phases are 0 to n - 1 by ascending grey; with `kind="grey"` they are levels of grey. One
        section stands for an isotropic medium; two or three, of planes across different axes, for
        one whose directions differ; a volume for itself.
    model_dir
        Folder of the model.
    config
        Method and settings.
    run
        Memory, workers and cluster.
    progress
        Called while a network is trained, with the mean losses of its last iterations.

    Returns
    -------
    MicrostructureModel
        As it stands in the folder.

    Raises
    ------
    ValueError
        If an image shows one phase or too many values, images disagree in values or fractions, a
        fraction is out of reach, or the folder holds a model that was fitted otherwise.
    """
    config, model_dir, run = config or FitMicrostructureConfig(), Path(model_dir), run or Run()
    check_kind(config.microstructure)
    images = listed_images(images)
    with held_folder(model_dir), connect(run, job="fit") as shared:
        with _removed_if_refused(model_dir / IMAGES):
            found = _brought(images, model_dir / IMAGES, config.microstructure, shared)
            found = _part_of(found, model_dir / IMAGES, config, shared)
            recipe = config.recipe | {"images": [plain(each) for each in found.volumes]}
            if run.overwrite:
                rmtree(model_dir / TRAINING, ignore_errors=True)
            elif (done := _finished(model_dir, recipe)) is not None:
                return done
            held = _held_to_plan(found, config, shared)
            correlations = [] if found.grey else observed(found, run=held)
        model = _fitted(FitInput(found, correlations, model_dir, config, progress), recipe)
        model.save()
        kept = sorted(each.name for each in (model_dir / IMAGES).glob("*.zarr") if each.is_dir())
        record_results(model_dir, outputs=[f"{IMAGES}/{each}" for each in kept])
    return model


def _held_to_plan(found: TrainingImages, config: FitMicrostructureConfig, run: Run) -> Run:
    """The run of a fit whose plan, for the phases that the images show, holds the memory."""
    own = config.microstructure
    if found.grey is None:
        own = own.model_copy(update={"phases": found.phases.count})
    known = replace(config, microstructure=own)
    return planned(run, partial(plan_fit_microstructure, list(found.volumes), config=known))


def _kind(config: FitMicrostructureConfig) -> Kind:
    """What is fitted; no other is left after `check_kind`."""
    return "grey" if config.microstructure.kind == "grey" else "phases"


def _brought(
    images: Sequence[Image], folder: Path, own: MicrostructureConfig, run: Run
) -> TrainingImages:
    planes = own.planes.split(",") if own.planes else None
    if own.kind == "grey":
        return grey_images(images, folder, planes=planes, voxel_um=own.voxel_um, run=run)
    return training_images(
        images, folder, planes=planes, phases=own.phases, voxel_um=own.voxel_um, run=run
    )


def _part_of(
    images: TrainingImages, folder: Path, config: FitMicrostructureConfig, run: Run
) -> TrainingImages:
    """What of the images a model is fitted to."""
    region, within = config.microstructure.region, config.swnn.within
    if region is not None and within is not None:
        raise ValueError("`region` and `within` must not both be given")
    if images.grey is not None and (region is not None or within is not None):
        raise ValueError("`region` and `within` must be left out for `kind` grey")
    if region is not None:
        return region_images(images, folder, region, run=run)
    return images if within is None else local_images(images, folder, within, run=run)


@contextmanager
def _removed_if_refused(folder: Path) -> Iterator[None]:
    """Leave nothing of images that are refused in a folder that was not there before."""
    new = not folder.exists()
    try:
        yield
    except ValueError:
        if new:
            rmtree(folder, ignore_errors=True)
        raise


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


def _fitted(given: FitInput, recipe: dict[str, object]) -> MicrostructureModel:
    images, method = given.images, given.config.microstructure.method
    fitted = METHODS[method].fit(given)
    settings = MicrostructureSettings(
        method=method,
        kind=_kind(given.config),
        greys=images.greys,
        fractions=fitted.fractions,
        deviations=_deviations(given.correlations),
        voxel_size_um=images.voxel_size,
        tile=fitted.tile,
        images=tuple(_entry(images, number) for number in range(len(images.volumes))),
        details=fitted.details,
        recipe=recipe,
        local=images.local,
    )
    return MicrostructureModel(given.folder, settings)


def _deviations(correlations: list[Observed]) -> tuple[float | None, ...]:
    """Of the fractions, as the least that one image tells."""
    found: list[float | None] = []
    for code in range(correlations[0].found.phases.count if correlations else 0):
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
