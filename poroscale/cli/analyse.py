"""`poroscale analyse`: from scans to reports in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from poroscale.cli import options
from poroscale.cli.options import (
    Block,
    Cluster,
    ConfigFile,
    DryRun,
    Memory,
    Overwrite,
    VoxelSize,
    Workers,
)
from poroscale.cli.segment import describe_phases


def analyse(
    paths: Annotated[
        list[str], typer.Argument(metavar="SRC [SRC ...] OUT_DIR", help="Scans, then the folder.")
    ],
    voxel_size: VoxelSize = None,
    same_thresholds: Annotated[
        bool, typer.Option("--same-thresholds", help="Use the first scan's thresholds for all.")
    ] = False,
    config: ConfigFile = None,
    memory: Memory = "2GiB",
    cluster: Cluster = None,
    workers: Workers = None,
    block: Block = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Ingest, segment, measure and report, one scan or a batch of them."""
    from poroscale import verbs
    from poroscale.config import load_sections

    if len(paths) < 2:
        raise ValueError(f"SRC and OUT_DIR must both be given, got {paths[0]!r} alone")
    sections: dict[str, dict[str, Any]] = load_sections(config) if config else {}
    size = options.voxel_size_of(voxel_size)
    if size is not None:
        sections = {**sections, "ingest": {**sections.get("ingest", {}), "voxel_size": size}}
    run = options.run_of(memory, cluster, workers, block, overwrite)
    settings = verbs.analyse_config(sections, same_thresholds=same_thresholds or None)
    *sources, out_dir = paths
    if dry_run:
        typer.echo(verbs.plan_analyse(sources, config=settings, run=run))
        return
    for result in verbs.analyse(sources, Path(out_dir), config=settings, run=run):
        record = result.phases.attributes["segmentation"]
        typer.echo(describe_phases(dict(record), result.phases.path))
        typer.echo(f"  report: {result.report}")
