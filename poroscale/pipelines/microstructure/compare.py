"""A reference image or volume against generated volumes: numbers, curves and a page."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

from poroscale.compare.microstructure.comparison import (
    ONLY_3D,
    MicrostructureComparison,
    compare_media,
)
from poroscale.compare.microstructure.config import CompareMicrostructureConfig
from poroscale.compare.microstructure.measures import (
    betti_config,
    lags_within,
    statistics_config,
)
from poroscale.compare.microstructure.samples import (
    ComparedMedium,
    cut_pass,
    sample_shape,
    sample_spec,
)
from poroscale.compare.microstructure.transport import transport_bytes
from poroscale.engine import BlockGrid, JobPlan, Run, connect, plan_job
from poroscale.engine.job_plan import driver_plan, planned
from poroscale.engine.jobs.work import held_folder
from poroscale.engine.plan import Plan, TooLittleMemoryError
from poroscale.pipelines.microstructure.images import (
    MOST_PHASES,
    Image,
    image_name,
    listed_images,
    opened_image,
    training_images,
)
from poroscale.report.pages.microstructure_page import write_microstructure_comparison
from poroscale.statistics.phases import PhaseMap, phase_map, sampled_map
from poroscale.statistics.summary import StatisticsConfig, plan_known_statistics
from poroscale.statistics.topology.betti import topology_pass
from poroscale.statistics.topology.config import filtration_of
from poroscale.verb import Section, verb
from poroscale.volume import Shape, Volume, VolumeSpec, VoxelSize

OTHERS = ("statistics.json", "topology.json")
"""Results of other verbs, whose `curves.parquet` would be replaced."""
COMPARING_BYTES = 300 << 20
"""Bytes of the driving process while figures are drawn."""


def plan_compare_microstructure(
    reference: Image | Sequence[Image],
    generated: Sequence[Volume],
    *,
    config: CompareMicrostructureConfig | None = None,
    run: Run | None = None,
) -> JobPlan:
    """The plan of `compare_microstructure`: pairs of the reference, then sample by sample.

    Raises
    ------
    ValueError
        If a side is too small to be cut into samples.
    MemoryError
        If the budget cannot hold one of the passes.
    """
    config, run = config or CompareMicrostructureConfig(), run or Run()
    images = _listed(reference)
    opened = [opened_image(each) for each in images]
    shapes = [each.shape for each in opened]
    _check_dimensions([image_name(each) for each in images], shapes, generated)
    if config.plane and shapes[0][0] > 1:
        raise ValueError(
            f"`plane` must be left out where the reference is a volume, as {image_name(images[0])} "
            f"is, got {config.plane!r}"
        )
    shape = sample_shape(shapes, [each.shape for each in generated], config)
    pairs = StatisticsConfig(which=("s2",))
    jobs = {
        image_name(image): plan_known_statistics(
            _unmade(VolumeSpec(each.shape, each.dtype, generated[0].voxel_size)),
            _phases(generated[0]),
            config=pairs,
            run=run,
        )
        for image, each in zip(images, opened, strict=True)
    }
    jobs["a sample"] = _plan_sample(shape, generated[0], config.wanted, config, run)
    deep = [name for name in config.wanted if name in ONLY_3D]
    if shapes[0][0] == 1 and deep:
        largest = max((each.shape for each in generated), key=prod)
        jobs["a generated volume"] = _plan_sample(largest, generated[0], deep, config, run)
    page = driver_plan(BlockGrid(shape, shape), COMPARING_BYTES, run)
    return JobPlan({"page": page}, jobs=jobs)


@verb(
    "compare_microstructure",
    Section.of("compare", CompareMicrostructureConfig),
    volumes=("generated",),
    plan="plan_compare_microstructure",
)
def compare_microstructure(
    reference: Image | Sequence[Image],
    generated: Sequence[Volume],
    out_dir: str | Path,
    *,
    config: CompareMicrostructureConfig | None = None,
    run: Run | None = None,
) -> MicrostructureComparison:
    """Compare generated microstructures with a reference image or volume.

    Parameters
    ----------
    reference
        Segmented image (PNG, BMP, TIFF) or volume, or several of one medium. An image is compared
        with sections of the generated volumes.
    generated
        Volumes of phases. Phases of both sides are 0 to n - 1 by ascending value.
    out_dir
        Folder for `comparison.html`, `comparison.json` and `curves.parquet`. What is there of them
        is replaced.
    config
        Statistics and samples.
    run
        Memory, workers and cluster.

    Raises
    ------
    TypeError
        If a generated volume holds floats.
    ValueError
        If a side shows one phase, the sides differ in phases or voxel size, a generated volume is a
        section while the reference is a volume, a side is too small, or `conductivities` or `pore`
        name other phases than there are.
    MemoryError
        If the budget cannot hold one of the passes; nothing has been done then.
    """
    config, run, out = config or CompareMicrostructureConfig(), run or Run(), Path(out_dir)
    _check_folder(out, [*_listed(reference), *generated])
    made = _generated(generated, run)
    with (
        held_folder(out),
        connect(run, job="compare") as connected,
        tempfile.TemporaryDirectory(prefix="poroscale-") as folder,
    ):
        plan = partial(plan_compare_microstructure, reference, generated, config=config)
        shared = planned(connected, plan)
        originals = _references(_listed(reference), Path(folder), made[0], config, shared)
        _check_phases(originals, made)
        found = compare_media(originals, made, config=config, run=shared)
        write_microstructure_comparison(found, out)
    return found


def _check_folder(out: Path, inputs: Sequence[Image]) -> None:
    """Refuse a folder in an input, and one whose `curves.parquet` belongs to another verb."""
    for each in inputs:
        if not isinstance(each, Volume | str | Path):
            continue
        path = each.path if isinstance(each, Volume) else Path(each)
        if out.resolve().is_relative_to(path.resolve()):
            raise ValueError(f"output must not lie inside the input {path}, got {out}")
    for name in OTHERS:
        if (out / name).exists():
            raise ValueError(
                f"{out} holds {name} and the curves.parquet of it, which would be replaced; choose "
                "another folder"
            )


def _listed(reference: Image | Sequence[Image]) -> list[Image]:
    images = listed_images(reference)
    if not images:
        raise ValueError("`reference` must be one image at least, got none")
    return images


def _references(
    images: Sequence[Image],
    folder: Path,
    made: ComparedMedium,
    config: CompareMicrostructureConfig,
    run: Run,
) -> list[ComparedMedium]:
    """Images as phases; a picture that states no voxel size has that of the generated volume."""
    found = []
    for number, image in enumerate(images):
        unstated = opened_image(image).voxel_size is None
        voxel_um = config.voxel_um or (made.volume.voxel_size[0] if unstated else None)
        seen = training_images([image], folder / str(number), voxel_um=voxel_um, run=run)
        found.append(ComparedMedium(seen.names[0], seen.volumes[0], seen.phases))
    for each in found:
        if each.phases.outside is not None:
            raise ValueError(
                f"{each.name} must be phases without an outside; crop a box that lies in the part"
            )
        if each.phases.values != found[0].phases.values:
            raise ValueError(
                f"references must have the same values, got {found[0].phases.values} in "
                f"{found[0].name} and {each.phases.values} in {each.name}"
            )
    return found


def _generated(volumes: Sequence[Volume], run: Run) -> list[ComparedMedium]:
    """Generated volumes as phases; one that was generated holds 0 to n - 1, even if one is missing.

    Raises
    ------
    ValueError
        If there is none, or one is no volume of phases.
    """
    if not volumes:
        raise ValueError("`generated` must be one volume at least, got none")
    found = []
    for volume in volumes:
        if volume.attributes.get("kind") == "grey microstructure":
            raise ValueError(
                f"{volume.path} holds grey values, and phases are compared; segment it first"
            )
        phases = phase_map(volume, run=run.but(progress=False))
        if volume.attributes.get("kind") == "microstructure":
            phases = PhaseMap(tuple(range(len(volume.attributes["greys"]))))
        if phases.outside is not None or not 2 <= phases.count <= MOST_PHASES:
            raise ValueError(
                f"{volume.path} must hold 2 to {MOST_PHASES} phases, got {phases.count} values"
            )
        found.append(ComparedMedium(volume.path.name, volume, phases))
    return found


def _check_dimensions(
    names: Sequence[str], shapes: Sequence[Shape], generated: Sequence[Volume]
) -> None:
    flat = [shape[0] == 1 for shape in shapes]
    if len(set(flat)) > 1:
        raise ValueError(f"references must all be images or all be volumes, got {', '.join(names)}")
    for each in generated:
        if each.shape[0] == 1 and not flat[0]:
            raise ValueError(
                f"{each.path} is a section and {names[0]} a volume; compare it with an image, or "
                "generate a volume"
            )


def _check_phases(reference: Sequence[ComparedMedium], generated: Sequence[ComparedMedium]) -> None:
    first = reference[0]
    for each in (*reference, *generated):
        if each.phases.count != first.phases.count:
            raise ValueError(
                f"{each.name} must have the {first.phases.count} phases of {first.name}, got "
                f"{each.phases.count}"
            )
        if not _same(each.volume.voxel_size, first.volume.voxel_size, each.volume.shape):
            raise ValueError(
                f"{each.name} must have cubic voxels of {first.volume.voxel_size[-1]:g} um, as "
                f"{first.name} has, got {each.volume.voxel_size} um; `voxel_um` states the edge of "
                "a picture's voxel"
            )


def _same(size: VoxelSize, other: VoxelSize, shape: Shape) -> bool:
    """Whether voxels are cubes of one edge; an image has no third one."""
    edges = size[1:] if shape[0] == 1 else size
    return bool(np.allclose(edges, other[-1], rtol=1e-3))


def _plan_sample(
    shape: Shape,
    like: Volume,
    wanted: Sequence[str],
    config: CompareMicrostructureConfig,
    run: Run,
) -> JobPlan:
    """The plan of cutting a sample and measuring it."""
    spec = sample_spec(shape, like)
    sample = _unmade(spec)
    passes = [cut_pass()]
    if "betti" in wanted:
        filtration = filtration_of(betti_config(sample, 0), sample)
        passes.append(topology_pass(shape, spec.dtype, filtration))
    own = plan_job(spec, {each.title: each for each in passes}, run)
    settings = statistics_config(wanted, lags_within(shape, config.lags))
    stages = plan_known_statistics(sample, _phases(like), config=settings, run=run).stages
    return JobPlan({**own.stages, **stages, **_plan_transport(shape, config, run)})


def _plan_transport(shape: Shape, config: CompareMicrostructureConfig, run: Run) -> dict[str, Plan]:
    """The plan of what a sample lets through, which is solved in memory."""
    need = transport_bytes(shape, config) if shape[0] > 1 else 0
    if not need:
        return {}
    plan = driver_plan(BlockGrid(shape, shape), need, run)
    if not plan.fits:
        raise TooLittleMemoryError(plan, "transport")
    return {"transport": plan}


def _unmade(spec: VolumeSpec) -> Volume:
    """What a plan asks of a volume that does not exist yet; it cannot be read."""
    return Volume(Path("unmade"), spec, "")


def _phases(generated: Volume) -> PhaseMap:
    """Phases of a generated volume as its attributes or samples of it show them."""
    greys = generated.attributes.get("greys")
    shown = None if greys else sampled_map(generated)
    count = len(greys) if greys else MOST_PHASES if shown is None else shown.count
    return PhaseMap(tuple(range(count)))
