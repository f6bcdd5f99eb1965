"""The lines that tell what a segmentation found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any


def tell(phases: Any, given: dict[str, Any]) -> Iterator[str]:
    """Porosity, thresholds or levels, and warnings."""
    yield describe_phases(phases.attributes["segmentation"], given["out"])


def describe_phases(record: dict[str, Any], out: Path | str) -> str:
    """Description of a segmentation in a few lines."""
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


def _local(record: dict[str, Any], out: Path | str) -> list[str]:
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
    """Properties of the scan to which a network was applied."""
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
    """Windows of the scan, and the number of times that the network sees a voxel."""
    edge, inferred, skipped = record["edge"], record["inferred"], record["skipped"]
    how = f"{inferred} inferred and {skipped} skipped, {record['passes']:.3g} passes over the scan"
    if not record["halo"]:
        return f"windows of {edge}³ with overlap {record['overlap']}: {how}"
    half = f"half overlap takes {record['half_overlap']:.3g}"
    return f"tiles of {edge}³ with a halo of {record['halo']}: {how} ({half})"
