"""`poroscale segment`: grey values to phases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from poroscale.cli import options
from poroscale.cli.options import Block, Cluster, DryRun, Memory, Overwrite, Workers

if TYPE_CHECKING:
    from poroscale.engine import Run


def segment(
    scan: Annotated[Path, typer.Argument(metavar="CT.zarr", help="The ingested scan.")],
    out: Annotated[Path, typer.Argument(metavar="PHASES.zarr", help="0 outside, 1 solid, 2 pore.")],
    method: Annotated[
        str | None,
        typer.Option(
            help="auto: local levels and partial volume; otsu: two thresholds as published; "
            "iso50: a threshold midway between air and solid [auto]."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Segment by this trained network instead; `default` is the one that comes along.",
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(metavar="SCORES.zarr", help="Keep the network's scores, too."),
    ] = None,
    shares: Annotated[
        Path | None,
        typer.Option(
            metavar="SHARES.zarr", help="Keep the share of pore of each voxel, too (method auto)."
        ),
    ] = None,
    min_voxels: Annotated[int | None, typer.Option(help="Smallest pore that is kept [9].")] = None,
    min_diameter_um: Annotated[
        float | None,
        typer.Option("--min-diameter-um", help="Smallest equivalent diameter that is kept [um]."),
    ] = None,
    min_extent: Annotated[
        int | None, typer.Option(help="Smallest extent of a pore along every axis [1].")
    ] = None,
    outer_threshold: Annotated[
        float | None, typer.Option(help="Grey value that parts air from metal; found if not given.")
    ] = None,
    inner_threshold: Annotated[
        float | None, typer.Option(help="Grey value that separates pores from solid.")
    ] = None,
    thresholds_from: Annotated[
        Path | None, typer.Option(help="Phases of another scan whose thresholds are used.")
    ] = None,
    inner_rule: Annotated[str | None, typer.Option(help="otsu or iso50 [otsu].")] = None,
    hysteresis: Annotated[
        float | None, typer.Option(help="Grey values above the inner threshold a pore grows to.")
    ] = None,
    gaussian_um: Annotated[
        float | None, typer.Option(help="Gaussian smoothing first, sigma [um].")
    ] = None,
    median_voxels: Annotated[
        int | None, typer.Option(help="Median filter first, radius [voxels].")
    ] = None,
    close_um: Annotated[
        float | None, typer.Option(help="Closing that brings open pores back inside [um].")
    ] = None,
    outside: Annotated[
        str | None,
        typer.Option(
            help="auto, none, corners, faces as z-,z+, or a mask that is not 0 outside [auto]."
        ),
    ] = None,
    connectivity: Annotated[int | None, typer.Option(help="6, 18 or 26 neighbours [6].")] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="YAML file: its section segment; with --model its sections windows, postprocess "
            "and scores."
        ),
    ] = None,
    memory: Memory = "2GiB",
    cluster: Cluster = None,
    workers: Workers = None,
    block: Block = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
) -> None:
    """Segment a scan into outside, solid and pore by local levels, thresholds, or a network."""
    from poroscale import verbs

    if scores is not None and model is None:
        raise ValueError("--scores must come with --model: the other methods have none")
    if model is not None and (shares is not None or method is not None):
        raise ValueError("--method and --shares must come without --model")
    values = options.settings(
        config if model is None else None,
        "segment",
        min_voxels=min_voxels,
        min_extent=min_extent,
        outer_threshold=outer_threshold,
        inner_threshold=inner_threshold,
        inner_rule=inner_rule,
        hysteresis=hysteresis,
        gaussian_um=gaussian_um,
        median_voxels=median_voxels,
        close_um=close_um,
        outside=options.outside_of(outside),
        min_diameter_um=min_diameter_um,
        connectivity=connectivity,
    )
    run = options.run_of(memory, cluster, workers, block, overwrite)
    if model is not None:
        _by_network(scan, out, model, scores, config=config, given=values, dry_run=dry_run, run=run)
        return
    settings = verbs.segment_config(values, method=method, thresholds_from=thresholds_from)
    if dry_run:
        typer.echo(verbs.plan_segment(scan, config=settings, run=run))
        return
    phases = verbs.segment(scan, out, shares=shares, config=settings, run=run)
    typer.echo(describe_phases(phases.attributes["segmentation"], out))


def _by_network(
    scan: Path,
    out: Path,
    model: str,
    scores: Path | None,
    *,
    config: Path | None,
    given: dict[str, Any],
    dry_run: bool,
    run: Run,
) -> None:
    from poroscale import verbs

    settings = verbs.by_network_config(config, given)
    if dry_run:
        typer.echo(verbs.plan_segment_by_network(scan, model=model, config=settings, run=run))
        return
    phases = verbs.segment_by_network(
        scan, out, model=model, scores=scores, config=settings, run=run
    )
    typer.echo(describe_phases(phases.attributes["segmentation"], out))


def describe_phases(record: dict[str, Any], out: Path) -> str:
    """What a segmentation found, in a few lines."""
    if record["method"] == "local":
        return "\n".join([*_local(record, out), *_warned(record)])
    if record["method"] == "scores":
        found = f"  threshold: score {record['score_threshold']:.4g} ({record['score_rule']})"
    else:
        found = (
            f"  thresholds: outer {record['outer_threshold']:g}, "
            f"inner {record['inner_threshold']:g} ({record['inner_rule']})"
        )
    lines = [
        f"{out}: porosity {100 * record['porosity']:.4g} %, {record['pore_count']} pores",
        found,
    ]
    windows = record.get("windows")
    if isinstance(windows, dict):
        lines.append(f"  {_windows(windows)}")
    traits = record.get("scan_traits")
    if isinstance(traits, dict):
        lines.append(f"  {_traits(traits)}")
    return "\n".join([*lines, *_warned(record)])


def _warned(record: dict[str, Any]) -> list[str]:
    return [f"  warning: {warning}" for warning in record["warnings"]]


def _local(record: dict[str, Any], out: Path) -> list[str]:
    """Porosity with its interval, levels, and the outside with its other readings."""
    low, high = 100 * record["porosity_low"], 100 * record["porosity_high"]
    outside = record["outside"]
    lines = [
        f"{out}: porosity {100 * record['porosity']:.4g} % ({low:.4g} to {high:.4g} %), "
        f"{record['pore_count']} pores",
        f"  levels: air {record['air_level']:.5g}, void {record['void_level']:.5g}, solid "
        f"{record['solid_level']:.5g}; blur {record['point_spread_voxels']:.2f} voxels, noise "
        f"{100 * record['noise']:.2g} % of the contrast",
        f"  outside: {100 * outside['share']:.1f} % of the volume ({outside['chosen']})",
    ]
    lines += [
        f"  or: {other['reading']}: outside {100 * other['outside']:.1f} %, porosity about "
        f"{100 * other['void_share']:.3g} %"
        for other in outside["others"]
    ]
    return lines


def _traits(record: dict[str, float | None]) -> str:
    """What the scan is like that a network was applied to."""
    words = {
        "contrast_to_noise": "contrast {} times the noise",
        "blur": "edges blurred by {} voxels",
        "pore_diameter": "pores typically {} voxels in diameter",
        "largest_ball": "with balls of up to {} voxels in them",
    }
    told = [
        text.format(f"{record[name]:.3g}")
        for name, text in words.items()
        if record.get(name) is not None
    ]
    return f"scan: {', '.join(told) or 'contrast, blur and pores could not be measured'}"


def _windows(record: dict[str, Any]) -> str:
    """How the scan was cut, and how often the network sees a voxel."""
    edge, inferred, skipped = record["edge"], record["inferred"], record["skipped"]
    how = f"{inferred} inferred and {skipped} skipped, {record['passes']:.3g} passes over the scan"
    if not record["halo"]:
        return f"windows of {edge}³ with overlap {record['overlap']}: {how}"
    half = f"half overlap takes {record['half_overlap']:.3g}"
    return f"tiles of {edge}³ with a halo of {record['halo']}: {how} ({half})"
