"""What a verb will take, before it starts: the plan of every stage, and the sum on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from poroscale.engine.plan import MIB, Need, Plan
from poroscale.engine.run import Run
from poroscale.engine.stage import plan_stages
from poroscale.io.ingest import IngestConfig, plan_of
from poroscale.phantom import PhantomConfig
from poroscale.phantom.scan import needs as phantom_needs
from poroscale.pipelines.analyse import AnalyseConfig, stages_of
from poroscale.pipelines.demo import CLOSE_UM, DEMO
from poroscale.pores.measure import needs as pores_needs
from poroscale.segment import LocalConfig, SegmentConfig
from poroscale.segment.by_method import needs as segment_needs
from poroscale.segment.evaluation.evaluate import needs as evaluate_needs
from poroscale.segment.evaluation.grey_scores import needs as grey_needs
from poroscale.volume import Volume, VolumeSpec

if TYPE_CHECKING:
    from poroscale.pipelines.generate import GenerateConfig
    from poroscale.segment.network.by_network import ByNetworkConfig
    from poroscale.segment.network.model import SegmentationModel

Stages = dict[str, Need]


def plans_of(spec: VolumeSpec, stages: Stages, run: Run) -> dict[str, Plan]:
    """The plan of every stage on the blocks of a volume.

    Raises
    ------
    MemoryError
        If a stage does not fit the budget.
    """
    return plan_stages(spec, stages, run)


def in_words(plans: Mapping[str, Plan]) -> str:
    """One line per stage and one for all: memory and disk."""
    lines = [f"{title:<16} {plan}" for title, plan in plans.items()]
    peak = max(plan.projected for plan in plans.values())
    disk = sum(plan.disk for plan in plans.values())
    total = f"peak {peak / MIB:,.0f} MiB of memory, at most {disk / MIB:,.0f} MiB on disk"
    return "\n".join([*lines, f"{'all':<16} {total}"])


def describe(spec: VolumeSpec, stages: Stages, run: Run) -> str:
    """The plans of all stages in words; MemoryError as `plans_of`."""
    return in_words(plans_of(spec, stages, run))


def plan_ingest(src: str | Path, *, config: IngestConfig, run: Run) -> str:
    """The plan of `ingest`."""
    spec, need = plan_of(src, config)
    return describe(spec, {"ingest": need}, run)


def plan_segment(scan: Path, *, config: SegmentConfig, run: Run) -> str:
    """The plan of `segment`."""
    spec = Volume.open(scan).spec
    return describe(spec, segment_needs(spec, config), run)


def plan_segment_by_network(
    scan: Path, *, model: SegmentationModel, config: ByNetworkConfig, run: Run
) -> str:
    """The plan of `segment` by a network, and how long the windows take.

    Raises
    ------
    ValueError
        If the model cannot infer such windows.
    MemoryError
        If a stage does not fit the budget.
    """
    from poroscale.segment.network.by_network import needs

    spec = Volume.open(scan).spec
    found = needs(spec, model=model, config=config, run=run)
    plans = plans_of(spec, found.stages, run)
    at_once = plans["windows"].workers
    took = f"{1000 * found.seconds:.3g} ms each by trial"
    whole = duration(found.windows * found.seconds / at_once)
    line = f"at most {found.windows:,} of {found.edge}³, {took}, {at_once} at a time: about {whole}"
    return f"{in_words(plans)}\n{'time':<16} {line}"


def duration(seconds: float) -> str:
    """In words: 5 s, 12 min, 3.4 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def plan_evaluate(scores: Path, truth: Path, *, scan: Path | None = None, run: Run) -> str:
    """The plan of `evaluate`, with the grey values of a scan if one is given."""
    spec = Volume.open(scores).spec
    stages = evaluate_needs(spec, Volume.open(truth).spec)
    if scan is not None:
        stages = grey_needs(Volume.open(scan).spec) | stages
    return describe(spec, stages, run)


def plan_pores(phases: Path, *, shares: Path | None = None, run: Run) -> str:
    """The plan of `pores`, with shares of pore if they are given."""
    spec = Volume.open(phases).spec
    return describe(spec, pores_needs(spec, shares=shares is not None), run)


def plan_phantom(*, config: PhantomConfig, run: Run) -> str:
    """The plan of `phantom`."""
    spec, stages = phantom_needs(config)
    return describe(spec, stages, run)


def plan_generate(model: str | Path, *, config: GenerateConfig, run: Run) -> str:
    """The plan of `generate part`, for one part of several.

    Raises
    ------
    ValueError
        If no shape is given, or a mesh is.
    MemoryError
        If the part does not fit the budget.
    """
    from poroscale.parts.generate import needs
    from poroscale.parts.model import ROUGHNESS, PartModel
    from poroscale.pipelines.generate import geometry_of
    from poroscale.surface.roughness import Roughness

    opened, roughness = PartModel.open(model), Roughness.load(Path(model) / ROUGHNESS)
    geometry = geometry_of(opened, roughness, config=config, seed=config.seed)
    spec, need = needs(opened, geometry)
    return describe(spec, {"paint": need}, run)


def plan_demo(*, run: Run) -> str:
    """The plan of `demo`."""
    spec, stages = phantom_needs(DEMO)
    segment = segment_needs(spec, LocalConfig(close_um=CLOSE_UM))
    return describe(spec, stages | segment | pores_needs(spec), run)


def plan_analyse(sources: Sequence[str | Path], *, config: AnalyseConfig, run: Run) -> str:
    """The plan of `analyse`, scan by scan."""
    plans = []
    for source in sources:
        spec, need = plan_of(source, config.ingest)
        plans.append(f"{source}\n{describe(spec, stages_of(spec, need, config), run)}")
    return "\n".join(plans)
