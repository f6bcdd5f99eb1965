"""The verbs of the command line as functions: `from poroscale import verbs`.

Every verb takes paths or open volumes, a `config` of its stage, and a `Run`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from poroscale.bench import PorosityCases, bench
from poroscale.config import load_sections, parse_config
from poroscale.engine import Run
from poroscale.pipelines import plans
from poroscale.pipelines.analyse import AnalyseConfig, Analysis, analyse, thresholds_of
from poroscale.pipelines.checks import doctor, holdings, verify
from poroscale.pipelines.demo import demo
from poroscale.pipelines.info import info, info_json
from poroscale.pipelines.settings import AnalyseJob, analyse_job, load_job
from poroscale.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poroscale.compare import CompareConfig, Comparison
    from poroscale.io.ingest import IngestConfig
    from poroscale.io.write.export import ExportConfig
    from poroscale.parts.generate import GeneratedPart
    from poroscale.parts.model import PartModel
    from poroscale.phantom import Phantom, PhantomConfig
    from poroscale.pipelines.fit import FitPartConfig
    from poroscale.pipelines.generate import GenerateConfig
    from poroscale.pores import PoresConfig
    from poroscale.segment import EvaluateConfig, Evaluation, SegmentConfig
    from poroscale.segment.network.by_network import ByNetworkConfig
    from poroscale.segment.network.model import SegmentationModel
    from poroscale.surface import MeasuredHeights, SurfaceConfig, SurfaceMap

__all__ = [
    "AnalyseConfig",
    "AnalyseJob",
    "Analysis",
    "PorosityCases",
    "Run",
    "analyse",
    "analyse_job",
    "bench",
    "compare_volumes",
    "demo",
    "doctor",
    "evaluate",
    "export",
    "fit_part",
    "generate_part",
    "holdings",
    "info",
    "info_json",
    "ingest",
    "load_job",
    "phantom",
    "poor_scan",
    "pores",
    "pores_config",
    "segment",
    "surface",
    "train_segment",
    "verify",
]


def _opened(volume: Volume | str | Path) -> Volume:
    return volume if isinstance(volume, Volume) else Volume.open(volume)


def ingest(
    src: str | Path, out: str | Path, *, config: IngestConfig | None = None, run: Run | None = None
) -> Volume:
    """Bring a scan in; see `poroscale.io.ingest.ingest`."""
    from poroscale.io.ingest import ingest as verb

    return verb(src, out, config=config, run=run)


def segment(
    scan: Volume | str | Path,
    out: str | Path,
    *,
    shares: str | Path | None = None,
    config: SegmentConfig | None = None,
    run: Run | None = None,
) -> Volume:
    """Phases of a scan; see `poroscale.segment.segment_scan`."""
    from poroscale.segment import segment_scan

    return segment_scan(_opened(scan), out, shares=shares, config=config, run=run)


def evaluate(
    scores: Sequence[Volume | str | Path],
    truth: Volume | str | Path,
    out_dir: str | Path | None = None,
    *,
    inside: Volume | str | Path | None = None,
    scan: Volume | str | Path | None = None,
    baselines: bool | None = None,
    config: EvaluateConfig | None = None,
    run: Run | None = None,
) -> list[Evaluation]:
    """Scores against known pores; see `poroscale.pipelines.evaluate.evaluate`.

    The grey values of a scan that is given are judged beside them, unless `baselines` is False.
    """
    from poroscale.pipelines.evaluate import Beside
    from poroscale.pipelines.evaluate import evaluate as verb

    beside = Beside.of(inside, scan, baselines=baselines)
    return verb(scores, truth, out_dir, beside=beside, config=config, run=run)


def segment_by_network(
    scan: Volume | str | Path,
    out: str | Path,
    *,
    model: str | Path = "default",
    scores: str | Path | None = None,
    config: ByNetworkConfig | None = None,
    run: Run | None = None,
) -> Volume:
    """Phases of a scan by a trained network; see `poroscale.segment.network.by_network`."""
    from poroscale.segment.network.by_network import segment_by_network as verb

    return verb(
        _opened(scan), out, model=_opened_model(model), scores=scores, config=config, run=run
    )


def plan_segment_by_network(
    scan: str | Path, *, model: str | Path = "default", config: ByNetworkConfig, run: Run
) -> str:
    """Memory, disk and time of `segment_by_network`; see `poroscale.pipelines.plans`."""
    opened = _opened_model(model)
    return plans.plan_segment_by_network(Path(scan), model=opened, config=config, run=run)


def _opened_model(model: str | Path) -> SegmentationModel:
    from poroscale.segment.network.model import DEFAULT, SegmentationModel

    return SegmentationModel.open(DEFAULT if model == "default" else model)


def by_network_config(path: Path | None, given: dict[str, Any]) -> ByNetworkConfig:
    """Settings of a segmentation by a network: sections of a YAML file, and options of `segment`.

    Options that rule how scores become pores take precedence in the section `scores`.
    """
    from poroscale.segment.network.by_network import ByNetworkConfig

    sections = load_sections(path) if path is not None else {}
    kept = ("min_voxels", "min_extent", "close_um", "connectivity")
    unknown = sorted(set(given) - set(kept))
    if unknown:
        raise ValueError(f"--{unknown[0].replace('_', '-')} must come without --model")
    return ByNetworkConfig.of({**sections, "scores": {**sections.get("scores", {}), **given}})


def pores(
    phases: Volume | str | Path,
    out_dir: str | Path,
    *,
    shares: Volume | str | Path | None = None,
    config: PoresConfig | None = None,
    run: Run | None = None,
) -> Path:
    """Labels and pore table of a volume of phases; see `poroscale.pores.measure_pores`."""
    from poroscale.pores import measure_pores

    opened = None if shares is None else _opened(shares)
    return measure_pores(_opened(phases), out_dir, shares=opened, config=config, run=run)


def phantom(out: str | Path, *, config: PhantomConfig, run: Run | None = None) -> Phantom:
    """A scan with a known truth; see `poroscale.phantom.phantom`."""
    from poroscale.phantom import phantom as verb

    return verb(Path(out), config=config, run=run)


def export(
    src: Volume | str | Path,
    dst: str | Path,
    *,
    config: ExportConfig | None = None,
    run: Run | None = None,
) -> Path:
    """A volume or table in another format; see `poroscale.io.write.export.export`."""
    from poroscale.io.write.export import export as verb

    return verb(src, dst, config=config, run=run)


def surface(
    phases: Volume | str | Path,
    out_dir: str | Path,
    *,
    config: SurfaceConfig | None = None,
    run: Run | None = None,
) -> SurfaceMap:
    """The unrolled surface of a part; see `poroscale.surface.measure_surface`."""
    from poroscale.surface import measure_surface

    return measure_surface(_opened(phases), out_dir, config=config, run=run)


def height_map(
    path: str | Path,
    out_dir: str | Path,
    *,
    config: SurfaceConfig | None = None,
    run: Run | None = None,
) -> MeasuredHeights:
    """The roughness of an `.opd` or `.al3d` file; see `poroscale.surface.measure_heights`."""
    from poroscale.io.height_map import read_height_map
    from poroscale.surface import measure_heights

    found = read_height_map(path)
    return measure_heights(found.heights, found.pitch, out_dir, config=config, run=run)


def fit_part(
    phases: Sequence[Volume | str | Path],
    model_dir: str | Path,
    *,
    config: FitPartConfig | None = None,
    run: Run | None = None,
) -> PartModel:
    """A part model of scanned parts; see `poroscale.pipelines.fit.fit_part`."""
    from poroscale.pipelines.fit import fit_part as verb

    return verb(phases, model_dir, config=config, run=run)


def generate_part(
    model: str | Path,
    out: str | Path,
    *,
    config: GenerateConfig | None = None,
    run: Run | None = None,
) -> Iterator[GeneratedPart]:
    """New parts of a model; see `poroscale.pipelines.generate.generate_parts`."""
    from poroscale.pipelines.generate import generate_parts

    return generate_parts(model, out, config=config, run=run)


def compare_volumes(
    reference: Sequence[Volume | str | Path],
    generated: Sequence[Volume | str | Path],
    out_dir: str | Path,
    *,
    model: str | Path | None = None,
    config: CompareConfig | None = None,
    run: Run | None = None,
) -> Comparison:
    """Two sets of parts against each other; see `poroscale.pipelines.compare.compare_parts`."""
    from poroscale.pipelines.compare import compare_parts

    return compare_parts(reference, generated, out_dir, model=model, config=config, run=run)


def compare_losses(config: str | Path, **given: Any) -> Iterator[str]:
    """Search for the best focal Tversky loss; see `poroscale.studies.losses`."""
    from poroscale.studies.losses import LossSearch

    return LossSearch.load(config, **given).start()


def compare_models(config: str | Path, **given: Any) -> Iterator[str]:
    """Compare segmentation models as a YAML file says; see `poroscale.studies.study`."""
    from poroscale.studies.study import Study

    return Study.load(config, **given).start()


def poor_scan(out: str | Path, *, run: Run | None = None) -> Iterator[str]:
    """A scan where thresholds fail; see `poroscale.studies.poor_scan.poor_scan`."""
    from poroscale.studies.poor_scan import poor_scan as verb

    return verb(out, run=run)


def train_segment(config: str | Path, **given: Any) -> Iterator[str]:
    """Train as a YAML file says, and tell what came of it; see `poroscale.pipelines.train`."""
    from poroscale.pipelines.train import TrainJob

    return TrainJob.load(config, **given).start()


def evaluate_config(values: dict[str, Any]) -> EvaluateConfig:
    """Settings of `evaluate` from plain values."""
    from poroscale.segment import EvaluateConfig

    return parse_config(EvaluateConfig, values, where="evaluate")


def surface_config(values: dict[str, Any]) -> SurfaceConfig:
    """Settings of `surface` from plain values."""
    from poroscale.surface import SurfaceConfig

    return parse_config(SurfaceConfig, values, where="surface")


def fit_part_config(sections: dict[str, dict[str, Any]]) -> FitPartConfig:
    """Settings of `fit_part` from the sections of a file."""
    from poroscale.pipelines.fit import STAGES, FitPartConfig

    return FitPartConfig.of({name: sections[name] for name in STAGES if name in sections})


def generate_config(values: dict[str, Any]) -> GenerateConfig:
    """Settings of `generate_part` from plain values."""
    from poroscale.pipelines.generate import GenerateConfig

    return parse_config(GenerateConfig, values, where="generate")


def compare_config(values: dict[str, Any]) -> CompareConfig:
    """Settings of `compare_volumes` from plain values."""
    from poroscale.compare import CompareConfig

    return parse_config(CompareConfig, values, where="compare")


def export_config(values: dict[str, Any]) -> ExportConfig:
    """Settings of `export` from plain values."""
    from poroscale.io.write.export import ExportConfig

    return parse_config(ExportConfig, values, where="export")


def ingest_config(values: dict[str, Any]) -> IngestConfig:
    """Settings of `ingest` from plain values."""
    from poroscale.io.ingest import IngestConfig

    return parse_config(IngestConfig, values, where="ingest")


def segment_config(
    values: dict[str, Any], *, method: str | None = None, thresholds_from: Path | None = None
) -> SegmentConfig:
    """Settings of `segment` from plain values, with the thresholds of other phases if given."""
    from poroscale.segment import OtsuConfig, segment_config_of

    config = segment_config_of(values if method is None else {**values, "method": method})
    if thresholds_from is None:
        return config
    if not isinstance(config, OtsuConfig):
        raise ValueError("--thresholds-from must come with --method otsu or iso50")
    return thresholds_of(Volume.open(thresholds_from), config)


def pores_config(values: dict[str, Any]) -> PoresConfig:
    """Settings of `pores` from plain values."""
    from poroscale.pipelines.analyse import pores_config as parse

    return parse(values)


def phantom_config(values: dict[str, Any]) -> PhantomConfig:
    """Settings of `phantom` from plain values."""
    from poroscale.phantom import PhantomConfig

    if "shape" not in values:
        raise ValueError("--shape Z Y X must be given")
    return parse_config(PhantomConfig, values, where="phantom")


plan_ingest = plans.plan_ingest
plan_segment = plans.plan_segment
plan_evaluate = plans.plan_evaluate
plan_pores = plans.plan_pores
plan_generate = plans.plan_generate
plan_phantom = plans.plan_phantom
plan_analyse = plans.plan_analyse
plan_demo = plans.plan_demo
