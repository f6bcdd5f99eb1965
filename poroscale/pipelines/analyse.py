"""From scans to reports: ingest, segment, measure the pores, report.

Every scan gets a folder with scan.zarr, phases.zarr, labels.zarr, pores.parquet, report.html and
report.json: OUT_DIR itself for one scan, OUT_DIR/NAME for each of several, with one combined table
and page beside them. A step that is finished is left alone, so that the same call resumes.

A label image or mask is segmented already: it is measured as it was ingested, and its folder has no
phases.zarr.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, TypeAdapter, ValidationError

from poroscale.config import Config, parse_config, sentence, unknown_key, unknown_section
from poroscale.engine import Run, connect
from poroscale.engine.jobs.job import is_finished
from poroscale.engine.jobs.work import held_folder
from poroscale.engine.plan import IMAGES, TABLES, Need
from poroscale.engine.stage import planned_run
from poroscale.io.ingest import IngestConfig, ingest, plan_of, refuse_overlap
from poroscale.manifest import record_results
from poroscale.pores import ClassRules, PoresConfig
from poroscale.pores.label_image import values_of_labels
from poroscale.pores.measure import measure_into
from poroscale.pores.measure import needs as pores_needs
from poroscale.pores.phases import Chosen
from poroscale.report import ReportConfig, write_batch, write_report
from poroscale.segment import (
    LocalConfig,
    OtsuConfig,
    SegmentConfig,
    segment_config_of,
    segment_scan,
)
from poroscale.segment.by_method import needs as segment_needs
from poroscale.segment.local.segment import USUAL_SPREAD
from poroscale.volume import Volume, VolumeSpec


class BatchConfig(Config):
    """What holds for a batch as a whole.

    Attributes
    ----------
    same_thresholds
        Segment every scan by the thresholds of the first.
    """

    same_thresholds: bool = False


SHARES = "shares.zarr"
"""Shares of pore, where the method of the segmentation has them."""

BATCH = ("index.html", "batch.parquet", "batch.csv", "batch_pores.parquet")
"""What a batch of scans has in common."""

KNOWN = ("analyse", "run", "ingest", "segment", "pores", "report", "batch")
"""Sections of a file for this pipeline; `settings.py` takes the first two."""


@dataclass(frozen=True)
class AnalyseConfig:
    """The settings of every stage; a section of the YAML file is named as its stage."""

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
        unknown = sorted(sections.keys() - {*models, "segment", "pores"})
        if unknown:
            raise ValueError(unknown_section(unknown[0], KNOWN))
        parsed: dict[str, Any] = {
            name: parse_config(model, sections.get(name, {}), where=name)
            for name, model in models.items()
        }
        segment = segment_config_of(sections.get("segment", {}))
        return cls(**parsed, segment=segment, pores=pores_config(sections.get("pores", {})))


def pores_config(values: dict[str, Any]) -> PoresConfig:
    """The settings of the pore table.

    Raises
    ------
    ValueError
        Naming an unknown key, or a value that cannot be.
    """
    adapter = TypeAdapter(PoresConfig)
    known = {entry.name for entry in fields(PoresConfig)}
    rules = {entry.name for entry in fields(ClassRules)}
    unknown = [key for key in values if key not in known]
    unknown += [f"rules.{key}" for key in values.get("rules", {}) if key not in rules]
    if unknown:
        there = rules if unknown[0].startswith("rules.") else known
        raise ValueError(f"pores: {unknown_key(unknown[0], sorted(there))}")
    try:
        return adapter.validate_python(values)
    except ValidationError as error:
        raise ValueError(f"pores: {sentence(error)}") from None


@dataclass(frozen=True)
class Analysis:
    """What came out of one scan.

    Attributes
    ----------
    scan
        What was ingested.
    phases
        The segmentation; `scan` itself where that is a label image or mask.
    table, report
        Files.
    """

    scan: Volume
    phases: Volume
    table: Path
    report: Path


def analyse(
    sources: Sequence[str | Path],
    out_dir: str | Path,
    *,
    config: AnalyseConfig | None = None,
    run: Run | None = None,
) -> list[Analysis]:
    """Analyse one scan or several.

    Parameters
    ----------
    sources
        Scans, anything that `ingest` reads.
    out_dir
        Folder of the results.
    config
        Settings of the stages.
    run
        How to run; one cluster serves all stages.

    Raises
    ------
    ValueError
        If two scans of a batch have one name, or a stage refuses its input.
    MemoryError
        If the budget cannot hold one of the stages of a scan; nothing has been done then.
    """
    config, out_dir = config or AnalyseConfig(), Path(out_dir)
    for source in sources:
        refuse_overlap(source, out_dir)
    folders = _folders(sources, out_dir)
    results: list[Analysis] = []
    with connect(run or Run()) as connected:
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
    sources: Sequence[str | Path], folders: Sequence[Path], config: AnalyseConfig, run: Run
) -> Run:
    """`run`, if every stage of every scan that is left to do fits its budget."""
    for source, folder in zip(sources, folders, strict=True):
        if run.overwrite or not is_finished(folder):
            spec, need = plan_of(source, config.ingest)
            planned_run(spec, stages_of(spec, need, config), run, libraries=(*IMAGES, *TABLES))
    return run.but(planned=True)


def stages_of(spec: VolumeSpec, ingest: Need, config: AnalyseConfig) -> dict[str, Need]:
    """What the stages of an analysis need, for a scan that becomes a volume of `spec`."""
    # The point spread, by which shares are added up, is known once the scan is segmented.
    usual = {"segmentation": {"point_spread_voxels": USUAL_SPREAD}}
    phases = spec.but(dtype=np.dtype(np.uint8), attributes=usual)
    shares = isinstance(config.segment, LocalConfig)
    return (
        {"ingest": ingest}
        | segment_needs(spec, config.segment)
        | pores_needs(phases, shares=shares)
    )


def _analyse_one(source: str | Path, folder: Path, config: AnalyseConfig, run: Run) -> Analysis:
    with held_folder(folder):
        scan = ingest(source, folder / "scan.zarr", config=config.ingest, run=run)
        chosen = values_of_labels(scan, config.pores, run=run)
        if chosen is not None:
            return _measure_labels(scan, folder, chosen, config=config, run=run)
        shares = folder / SHARES if isinstance(config.segment, LocalConfig) else None
        phases = segment_scan(
            scan, folder / "phases.zarr", shares=shares, config=config.segment, run=run
        )
        kept = Volume.open(shares) if shares else None
        table = measure_into(folder, phases, shares=kept, config=config.pores, run=run)
        report = write_report(
            folder, scan=scan, phases=phases, table=table, config=config.report, run=run
        )
        pages = [report.name, report.with_suffix(".json").name]
        outputs = [scan.path.name, phases.path.name, *([SHARES] if shares else [])]
        record_results(folder, files=pages, outputs=outputs)
    return Analysis(scan, phases, table, report)


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
    chosen = [] if isinstance(config, LocalConfig) else ["method"]
    usual = type(config)().model_dump()
    return chosen + [name for name, value in config.model_dump().items() if value != usual[name]]


def _with_thresholds_of(phases: Volume, config: AnalyseConfig) -> AnalyseConfig:
    """The settings with the thresholds that another segmentation found."""
    if not isinstance(config.segment, OtsuConfig):
        raise ValueError(
            "batch: same_thresholds must come with the segment method otsu or iso50, got auto, "
            "which has no thresholds"
        )
    segment = thresholds_of(phases, config.segment)
    return replace(config, segment=segment)


def thresholds_of(phases: Volume, config: OtsuConfig) -> OtsuConfig:
    """`config` with the thresholds recorded in `phases`.

    Raises
    ------
    ValueError
        If the volume records none.
    """
    found = phases.attributes.get("segmentation", {})
    if "outer_threshold" not in found or "inner_threshold" not in found:
        raise ValueError(f"{phases.path} records no thresholds")
    return config.model_copy(
        update={name: found[name] for name in ("outer_threshold", "inner_threshold")}
    )


def _folders(sources: Sequence[str | Path], out_dir: Path) -> list[Path]:
    if len(sources) == 1:
        return [out_dir]
    names = [Path(str(source).partition("::")[0]).name.split(".")[0] for source in sources]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"scans of a batch must have names of their own, got {twice[0]!r} twice")
    return [out_dir / name for name in names]
