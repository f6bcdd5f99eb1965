"""`poroscale analyse`: from scans to reports in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from poroscale.cli import options
from poroscale.cli.options import (
    Block,
    Cluster,
    DryRun,
    OptionalMemory,
    Overwrite,
    VoxelSize,
    Workers,
)
from poroscale.cli.segment import describe_phases

AnalyseFile = Annotated[
    Path | None,
    typer.Option("--config", help="YAML file: analyse, run, ingest, segment, pores, batch."),
]


def analyse(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SRC [SRC ...] OUT_DIR", help="Scans, then the folder; or --config names them."
        ),
    ] = None,
    voxel_size: VoxelSize = None,
    same_thresholds: Annotated[
        bool, typer.Option("--same-thresholds", help="Use the first scan's thresholds for all.")
    ] = False,
    config: AnalyseFile = None,
    memory: OptionalMemory = None,
    cluster: Cluster = None,
    workers: Workers = None,
    block: Block = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Ingest, segment, measure and report, one scan or a batch of them."""
    from poroscale import verbs
    from poroscale.config import load_sections

    sections: dict[str, dict[str, Any]] = load_sections(config) if config else {}
    size = options.voxel_size_of(voxel_size)
    if size is not None:
        sections["ingest"] = {**sections.get("ingest", {}), "voxel_size": size}
    if same_thresholds:
        sections["batch"] = {**sections.get("batch", {}), "same_thresholds": True}
    job = verbs.analyse_job(
        sections,
        paths=paths or (),
        memory=memory,
        cluster=cluster,
        workers=workers,
        block=block,
        overwrite=overwrite or None,
    )
    if dry_run:
        typer.echo(verbs.plan_analyse(job.sources, config=job.config, run=job.run))
        return
    for result in job.start():
        record = result.phases.attributes["segmentation"]
        typer.echo(describe_phases(dict(record), result.phases.path))
        typer.echo(f"  report: {result.report}")
