"""Warnings that a reader must see before trusting the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poroscale.report.kind import CONNECTED, SubjectKind

COARSE_VOXELS = 5.0
MANY = 0.25


def cautions(
    numbers: Mapping[str, Any], segmentation: Mapping[str, Any], kind: SubjectKind | None = None
) -> list[str]:
    """Sentences for the box at the head of the report; the segmentation's own come first.

    Single pores of a connected pore space are no matter of caution: the page does not show them.
    """
    kind = kind or SubjectKind()
    single = () if kind.connected else (*_resolution(numbers, kind), *_edge(numbers, kind))
    return [
        *(str(text) for text in segmentation.get("warnings") or ()),
        *single,
        *_threshold(numbers, segmentation),
        *_connected(numbers, kind),
        *_open(numbers, segmentation),
    ]


def _resolution(numbers: Mapping[str, Any], kind: SubjectKind) -> list[str]:
    found = []
    size = "volume" if kind.flat is None else "area"
    causes = "how they were segmented" if kind.labels else "the threshold and on the scanner's blur"
    voxels = numbers.get("median_diameter_voxels")
    if voxels is not None and voxels < COARSE_VOXELS:
        found.append(
            f"The median equivalent diameter is {voxels:.3g} voxels. Sizes of pores below about "
            f"{COARSE_VOXELS:g} voxels depend on {causes}; pores below the resolution are missing "
            "from every count."
        )
    share = numbers.get("unresolved_share")
    if share:
        volume = numbers.get("unresolved_volume_share") or 0.0
        found.append(
            f"{100 * share:.1f} % of the pores ({100 * volume:.1f} % of the pore {size}) are too "
            "small for their shape to mean anything; they count for porosity, size and position "
            "and are left out of every figure of shape and orientation."
        )
    return found


def _threshold(numbers: Mapping[str, Any], segmentation: Mapping[str, Any]) -> list[str]:
    if segmentation.get("method") == "local":
        return _local(segmentation)
    low, high = numbers.get("porosity_low"), numbers.get("porosity_high")
    porosity = numbers.get("porosity")
    if low is None or high is None or not porosity or (high - low) / porosity <= MANY:
        return []
    return [
        f"Porosity depends strongly on the threshold: a shift of ±{100 * _shift(numbers):.0f} % "
        f"of the {shift_base(segmentation)} gives {100 * low:.3g} to {100 * high:.3g} %."
    ]


def _local(segmentation: Mapping[str, Any]) -> list[str]:
    """Other readings of what is outside, and an interval that is wide."""
    porosity = segmentation["porosity"]
    found = [
        f"The scan can be read otherwise: {other['reading']} (outside "
        f"{100 * other['outside']:.1f} % of the volume, porosity about "
        f"{100 * other['void_share']:.3g} %). It was read as: "
        f"{segmentation['outside']['chosen']}. The setting `outside` decides."
        for other in segmentation["outside"]["others"]
    ]
    low, high = segmentation["porosity_low"], segmentation["porosity_high"]
    if porosity and (high - low) / porosity > MANY:
        found.append(
            f"The interval of the porosity, {100 * low:.3g} to {100 * high:.3g} %, is wide: pores "
            "are few or small beside noise and blur."
        )
    return found


def _edge(numbers: Mapping[str, Any], kind: SubjectKind) -> list[str]:
    count, cut = numbers.get("pore_count") or 0, numbers.get("touches_edge_count") or 0
    if not cut:
        return []
    whole = "volume" if kind.flat is None else "image"
    return [
        f"{cut:,} of {count:,} pores touch the edge of the {whole} and are cut off by it: "
        "their size, shape and position are those of the part inside."
    ]


def _connected(numbers: Mapping[str, Any], kind: SubjectKind) -> list[str]:
    share = numbers.get("largest_volume_share") or 0.0
    if share <= CONNECTED or (numbers.get("pore_count") or 0) < 2:
        return []
    size = "volume" if kind.flat is None else "area"
    text = f"One pore holds {100 * share:.3g} % of the pore {size}"
    if not kind.connected:
        return [f"{text}. Counts and medians of the pores describe what is left beside it."]
    return [
        f"{text}: the pore space is connected. The rows of the pore table beside it are what is "
        "left over; numbers of the pore space as a whole stand in their place."
    ]


def _open(numbers: Mapping[str, Any], segmentation: Mapping[str, Any]) -> list[str]:
    count, open_ = numbers.get("pore_count") or 0, numbers.get("open_count") or 0
    close = segmentation.get("close_um")
    if not close or open_ <= MANY * count:
        return []
    return [
        f"{open_:,} of {count:,} pores are open to the surface. Recesses of a rough surface that "
        f"are narrower than the closing ({close:g} µm radius) are among them; the porosity of the "
        "closed pores leaves them out."
    ]


def shift_base(segmentation: Mapping[str, Any]) -> str:
    """Quantity of which the shifts of the threshold are shares."""
    return "range of scores" if segmentation.get("method") == "scores" else "contrast"


def _shift(numbers: Mapping[str, Any]) -> float:
    return float(numbers.get("threshold_shift") or 0.0)
