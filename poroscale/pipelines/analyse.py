"""From scans to reports: ingest, segment, measure the pores, report.

Every scan gets a folder with scan.zarr, phases.zarr, labels.zarr, pores.parquet, report.html and
report.json, and with shares.zarr or scores.zarr where the method of the segmentation has them:
OUT_DIR itself for one scan, OUT_DIR/NAME for each of several, with one combined table and page
beside them. A step that is finished is left alone, so that the same call resumes.

A label image or mask is segmented already: it is measured as it was ingested, and its folder has no
phases.zarr.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from poroscale.config import Config, parse_config, unknown_section
from poroscale.engine import JobPlan, Run, connect, plan_job
from poroscale.engine.jobs.job import is_finished
from poroscale.engine.jobs.work import held_folder
from poroscale.engine.plan import IMAGES, TABLES
from poroscale.io.ingest import ingest, refuse_overlap
from poroscale.io.ingest import passes as ingest_passes
from poroscale.io.ingest_config import IngestConfig
from poroscale.manifest import record_results
from poroscale.pore_analysis import PoresConfig
from poroscale.pore_analysis.label_image import values_of_labels
from poroscale.pore_analysis.measure import measure_into
from poroscale.pore_analysis.measure import passes as pores_passes
from poroscale.pore_analysis.phases import Chosen
from poroscale.report import ReportConfig, write_batch, write_report
from poroscale.segmentation import (
    ByNetworkConfig,
    LocalConfig,
    SegmentConfig,
    segment_config_of,
    segment_scan,
)
from poroscale.segmentation.by_method import SECTION as SEGMENT
from poroscale.segmentation.by_method import passes as segment_passes
from poroscale.segmentation.by_method import thresholds_of, with_stages
from poroscale.segmentation.local.segment import USUAL_SPREAD
from poroscale.segmentation.network.config import STAGES
from poroscale.verb import Section, verb
from poroscale.volume import Volume


class BatchConfig(Config):
    """Settings for a batch as a whole.

    Attributes
    ----------
    same_thresholds
        Segment every scan by the thresholds of the first.
    """

    same_thresholds: bool = False


SHARES, SCORES = "shares.zarr", "scores.zarr"
"""Shares of pore, or scores of a network, where the segmentation has them."""

BATCH = ("index.html", "batch.parquet", "batch.csv", "batch_pores.parquet")
"""Files that a batch of scans has in common."""

KNOWN = ("analyse", "run", "ingest", "segment", *STAGES, "pores", "report", "batch")
"""Sections of a file for this pipeline; `settings.py` takes the first two."""


@dataclass(frozen=True)
class AnalyseConfig:
    """The settings of every stage; a section of the YAML file is named as its stage.

    The type of `segment` is the method of the segmentation: `LocalConfig`, `OtsuConfig` or
    `ByNetworkConfig`. In a file the section `segment` has a `method` or a `model`; the stages of a
    network may have the sections `windows`, `postprocess` and `scores` of their own.
    """

    ingest: IngestConfig = field(default_factory=IngestConfig)
    segment: SegmentConfig = field(default_factory=LocalConfig)
    pores: PoresConfig = field(default_factory=PoresConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    report: ReportConfig = field(default_factory=ReportConfig)

    @classmethod
    def of(cls, sections: dict[str, dict[str, Any]]) -> AnalyseConfig:
        """The settings in the sections of a file.

        Raises
        ------
        ValueError
            Naming an unknown section or key.
        """
        models: dict[str, type[BaseModel]] = {
            "ingest": IngestConfig,
            "batch": BatchConfig,
            "report": ReportConfig,
        }
        unknown = sorted(sections.keys() - {*models, *STAGES, "segment", "pores"})
        if unknown:
            raise ValueError(unknown_section(unknown[0], KNOWN))
        parsed: dict[str, Any] = {
            name: parse_config(model, sections.get(name, {}), where=name)
            for name, model in models.items()
        }
        pores = parse_config(PoresConfig, sections.get("pores", {}), where="pores")
        return cls(**parsed, segment=segment_config_of(with_stages(sections)), pores=pores)


@dataclass(frozen=True)
class Analysis:
    """Results of one scan.

    Attributes
    ----------
    scan
        The ingested scan.
    phases
        The segmentation; `scan` itself where that is a label image or mask.
    table, report
        Files.
    """

    scan: Volume
    phases: Volume
    table: Path
    report: Path


def _of_sections(sections: Mapping[str, Mapping[str, Any]]) -> AnalyseConfig:
    return AnalyseConfig.of({name: dict(values) for name, values in sections.items()})


@verb(
    "analyse",
    Section.of("ingest", IngestConfig),
    SEGMENT,
    Section.of("pores", PoresConfig, outside="outside_value", connectivity="pore_connectivity"),
    Section.of("report", ReportConfig),
    Section.of("batch", BatchConfig),
    parse=_of_sections,
    plan="plan_analyse",
)
def analyse(
    sources: Any,
    out_dir: str | Path,
    *,
    config: AnalyseConfig | None = None,
    run: Run | None = None,
) -> list[Analysis]:
    """Ingest, segment, measure and report one scan or several.

    Parameters
    ----------
    sources
        A scan, or several in a list: anything that `ingest` reads, arrays and volumes included.
    out_dir
        Folder of the results.
    config
        Settings of the stages.
    run
        Memory, workers and cluster; one cluster serves all stages.

    Raises
    ------
    ValueError
        If two scans of a batch have one name, or a stage refuses its input.
    MemoryError
        If the budget cannot hold one of the stages of a scan; nothing has been done then.
    """
    config, out_dir = config or AnalyseConfig(), Path(out_dir)
    sources = _listed(sources)
    for source in sources:
        if isinstance(source, str | Path):
            refuse_overlap(source, out_dir)
    folders = _folders(sources, out_dir)
    results: list[Analysis] = []
    with connect(run or Run(), job="analyse") as connected:
        shared = _planned(sources, folders, config, connected)
        for source, folder in zip(sources, folders, strict=True):
            results.append(_analyse_one(source, folder, config, shared))
            if config.batch.same_thresholds:
                config = _with_thresholds_of(results[0].phases, config)
    if len(results) > 1:
        with held_folder(out_dir):
            write_batch(out_dir, folders)
            record_results(out_dir, files=[n for n in BATCH if (out_dir / n).exists()])
    return results


def _planned(
    sources: Sequence[Any], folders: Sequence[Path], config: AnalyseConfig, run: Run
) -> Run:
    """`run`, if every stage of every scan that is left to do fits its budget."""
    for source, folder in zip(sources, folders, strict=True):
        if run.overwrite or not is_finished(folder):
            plan_one(source, config, run)
    return run.but(planned=True)


def plan_one(source: Any, config: AnalyseConfig, run: Run) -> JobPlan:
    """The plan of one scan."""
    spec, ingested = ingest_passes(source, config.ingest)
    # The point spread, by which shares are added up, is known once the scan is segmented.
    usual = {"kind": "phases", "segmentation": {"point_spread_voxels": USUAL_SPREAD}}
    phases = spec.but(dtype=np.dtype(np.uint8), attributes=usual)
    shares = isinstance(config.segment, LocalConfig)
    measured = pores_passes(phases, config.pores, shares=shares)
    segmented = segment_passes(spec, config.segment, run)
    declared = {**ingested, **segmented.passes, **measured}
    return segmented.timed(plan_job(spec, declared, run, libraries=(*IMAGES, *TABLES)))


def plan_analyse(
    sources: Any, *, config: AnalyseConfig | None = None, run: Run | None = None
) -> JobPlan:
    """The plan of `analyse`, scan by scan.

    Raises
    ------
    MemoryError
        If the budget cannot hold one of the stages of a scan.
    """
    config, run = config or AnalyseConfig(), run or Run()
    listed = _listed(sources)
    names = [
        str(one) if isinstance(one, str | Path) else f"scan {i}" for i, one in enumerate(listed)
    ]
    plans = (plan_one(source, config, run) for source in listed)
    return JobPlan(jobs=dict(zip(names, plans, strict=True)))


def _listed(sources: Any) -> list[Any]:
    """One scan or several as a list; volumes as their paths."""
    several = sources if isinstance(sources, list | tuple) else [sources]
    return [one.path if isinstance(one, Volume) else one for one in several]


def _analyse_one(source: Any, folder: Path, config: AnalyseConfig, run: Run) -> Analysis:
    with held_folder(folder):
        scan = ingest(source, folder / "scan.zarr", config=config.ingest, run=run)
        chosen = values_of_labels(scan, config.pores, run=run)
        if chosen is not None:
            return _measure_labels(scan, folder, chosen, config=config, run=run)
        kept: dict[str, Any] = _kept_beside(folder, config.segment)
        phases = segment_scan(scan, folder / "phases.zarr", config=config.segment, run=run, **kept)
        shares = Volume.open(kept["shares"]) if "shares" in kept else None
        table = measure_into(folder, phases, shares=shares, config=config.pores, run=run)
        report = write_report(
            folder, scan=scan, phases=phases, table=table, config=config.report, run=run
        )
        pages = [report.name, report.with_suffix(".json").name]
        outputs = [scan.path.name, phases.path.name, *(path.name for path in kept.values())]
        record_results(folder, files=pages, outputs=outputs)
    return Analysis(scan, phases, table, report)


def _kept_beside(folder: Path, config: SegmentConfig) -> dict[str, Path]:
    """Volume that `segment_scan` keeps beside the phases, by its parameter: shares or scores."""
    if isinstance(config, LocalConfig):
        return {"shares": folder / SHARES}
    return {"scores": folder / SCORES} if isinstance(config, ByNetworkConfig) else {}


def _measure_labels(
    scan: Volume, folder: Path, chosen: Chosen, *, config: AnalyseConfig, run: Run
) -> Analysis:
    """A label image as phases: nothing is segmented, and a setting of that would be in vain."""
    given = _changed(config.segment)
    if given:
        raise ValueError(
            f"segment: {given[0]} must be left out for {scan.path}, a label image or mask: it is "
            "measured as it is"
        )
    table = measure_into(folder, scan, chosen=chosen, config=config.pores, run=run)
    report = write_report(
        folder, scan=None, phases=scan, table=table, config=config.report, run=run
    )
    pages = [report.name, report.with_suffix(".json").name]
    record_results(folder, files=pages, outputs=[scan.path.name])
    return Analysis(scan, scan, table, report)


def _changed(config: SegmentConfig) -> list[str]:
    """Settings of the segmentation that are not those of nobody's choice."""
    if isinstance(config, ByNetworkConfig):
        return ["model"]
    chosen = [] if isinstance(config, LocalConfig) else ["method"]
    usual = type(config)().model_dump()
    return chosen + [name for name, value in config.model_dump().items() if value != usual[name]]


def _with_thresholds_of(phases: Volume, config: AnalyseConfig) -> AnalyseConfig:
    """The settings with the thresholds that another segmentation found."""
    if isinstance(config.segment, LocalConfig):
        raise ValueError(
            "batch: `same_thresholds` must come with the method otsu or iso50, or with a `model`; "
            "the method auto has no thresholds"
        )
    return replace(config, segment=thresholds_of(phases, config.segment))


def _folders(sources: Sequence[Any], out_dir: Path) -> list[Path]:
    if len(sources) == 1:
        return [out_dir]
    names = [
        Path(str(source).partition("::")[0]).name.split(".")[0]
        if isinstance(source, str | Path)
        else f"scan_{number}"
        for number, source in enumerate(sources)
    ]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"scans of a batch must have names of their own, got {twice[0]!r} twice")
    return [out_dir / name for name in names]
