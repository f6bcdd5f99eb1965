"""`poroscale analyse`: from scans to reports in one go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from poroscale.cli import options
from poroscale.cli.options import (
    Block,
    Channel,
    Cluster,
    DryRun,
    Invert,
    OptionalMemory,
    Overwrite,
    Pattern,
    VoxelSize,
    Workers,
)
from poroscale.cli.segment import describe_phases

if TYPE_CHECKING:
    from poroscale.pipelines.analyse import Analysis

AnalyseFile = Annotated[
    Path | None,
    typer.Option(
        "--config", help="YAML file: analyse, run, ingest, segment, pores, report, batch."
    ),
]


def analyse(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SRC [SRC ...] OUT_DIR", help="Scans, then the folder; or --config names them."
        ),
    ] = None,
    voxel_size: VoxelSize = None,
    pattern: Pattern = None,
    channel: Channel = None,
    invert: Invert = False,
    box: Annotated[
        str | None,
        typer.Option(metavar="Z0,Z1,Y0,Y1,X0,X1", help="Voxels of the scan that are analysed."),
    ] = None,
    method: Annotated[str | None, typer.Option(help="auto, otsu or iso50 [auto].")] = None,
    outside: Annotated[
        str | None,
        typer.Option(
            help="auto, none, corners, faces as z-,z+, or a mask that is not 0 outside [auto]."
        ),
    ] = None,
    close_um: Annotated[
        float | None, typer.Option(help="Closing that brings open pores back inside [um].")
    ] = None,
    min_voxels: Annotated[int | None, typer.Option(help="Smallest pore that is kept [9].")] = None,
    min_diameter_um: Annotated[
        float | None,
        typer.Option("--min-diameter-um", help="Smallest equivalent diameter that is kept [um]."),
    ] = None,
    pore: Annotated[
        int | None,
        typer.Option(help="Value of the pores, in a label image or mask; 2 of the values 0, 1, 2."),
    ] = None,
    outside_value: Annotated[
        int | None, typer.Option(help="Value outside the part, in a label image or mask.")
    ] = None,
    classes: Annotated[
        bool | None,
        typer.Option(
            "--classes/--no-classes",
            help="Class pores of printed metal: gas, keyhole, lack of fusion [no].",
        ),
    ] = None,
    min_um: Annotated[
        float | None,
        typer.Option(
            "--min-um",
            help="Also count the pores of at least this diameter [um], and their porosity.",
        ),
    ] = None,
    skin_um: Annotated[
        float | None,
        typer.Option("--skin-um", help="Also give the porosity without a skin so thick [um]."),
    ] = None,
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
    _add(
        sections,
        "ingest",
        voxel_size=options.voxel_size_of(voxel_size),
        pattern=pattern,
        channel=options.channel_of(channel),
        invert=invert or None,
        box=options.numbers_of(box, 6, int, "--box"),
    )
    _add(
        sections,
        "segment",
        method=method,
        outside=options.outside_of(outside),
        close_um=close_um,
        min_voxels=min_voxels,
        min_diameter_um=min_diameter_um,
    )
    _add(sections, "pores", pore=pore, outside=outside_value, classes=classes)
    _add(sections, "report", min_um=min_um, skin_um=skin_um)
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
        for line in _told(result):
            typer.echo(line)


def _add(sections: dict[str, dict[str, Any]], name: str, **given: Any) -> None:
    """Options take precedence over the section of the file."""
    chosen = {key: value for key, value in given.items() if value is not None}
    if chosen:
        sections[name] = {**sections.get(name, {}), **chosen}


def _told(result: Analysis) -> Iterator[str]:
    """What was found, and everything that the page warns of."""
    report = json.loads(result.report.with_suffix(".json").read_text("utf-8"))
    record = dict(result.phases.attributes.get("segmentation") or {})
    if record:
        # The page's warnings follow, other readings of the outside among them: each once.
        told = {**record, "warnings": []}
        if "outside" in record and record.get("method") == "local":
            told["outside"] = {**record["outside"], "others": []}
        yield describe_phases(told, result.phases.path)
    else:
        numbers = report["numbers"]
        porosity = (
            "no part" if numbers["porosity"] is None else f"{100 * numbers['porosity']:.4g} %"
        )
        yield f"{result.phases.path}: porosity {porosity}, {numbers['pore_count']} pores"
        yield f"  {report['taken_text']}"
    yield from _asked_for(report)
    yield f"  kind: {report['kind']['text']}"
    notes = dict(result.scan.attributes.get("source") or {}).get("notes", ())
    yield from (f"  note: {note}" for note in notes)
    yield from (f"  warning: {warning}" for warning in report["warnings"])
    yield f"  report: {result.report}"


def _asked_for(report: dict[str, Any]) -> Iterator[str]:
    """Pores above a size, and the part without its skin, where they were asked for."""
    above, core = report["above"], report["core"]
    if above:
        share = (
            "" if above["porosity"] is None else f", their porosity {100 * above['porosity']:.4g} %"
        )
        yield f"  from {above['min_um']:g} um: {above['pore_count']} pores{share}"
    if core:
        found = "no part" if core["porosity"] is None else f"{100 * core['porosity']:.4g} %"
        yield (
            f"  without a skin of {core['skin_um']:g} um: porosity {found} by counting voxels "
            f"({100 * core['porosity_counted_whole']:.4g} % with it)"
        )
