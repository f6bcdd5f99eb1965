"""Sentences on the differences of a scan from those of a network's training.

A network knows what it has seen: balls of a few voxels are pores for it, the inside of a larger one
is not; and where a scan is clean, a threshold does as well. Nothing of that shows in its scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poroscale.segmentation.network.card import ModelCard
from poroscale.segmentation.network.scan_traits import ScanTraits
from poroscale.volume import VoxelSize

FACTOR = 1.5
"""By which contrast, blur and typical size may lie beyond those of the training scans."""
BALL_FACTOR = 1.25
"""The same of the largest ball in a pore, which is measured more exactly."""
VOXEL_FACTOR = 2.0
"""The same of the voxel size, which a network does not see: what it sees are sizes in voxels."""
BY_THRESHOLDS = "compare with the other methods, without a `model`"


def shift_warnings(card: ModelCard, scan: ScanTraits, voxel_size: VoxelSize) -> list[str]:
    """Warnings for a reader of the network's phases, most serious first.

    Parameters
    ----------
    card
        Of the network.
    scan
        Properties of the scan to which it is applied.
    voxel_size
        Of that scan [um].
    """
    known = [each.traits for each in card.trained_on if each.traits is not None]
    if all(trained == ScanTraits() for trained in known):
        return [
            f"what the scans were like that {card.model} was trained on does not stand on its "
            f"card: whether it fits this scan cannot be told; {BY_THRESHOLDS}"
        ]
    sizes = [each.voxel_size_um for each in card.trained_on if each.voxel_size_um is not None]
    if scan == ScanTraits():
        first = (
            "contrast, blur and pores of the scan could not be measured, for its noise hides them: "
            f"whether {card.model} fits it cannot be told; {BY_THRESHOLDS}"
        )
        return [first, *_of_voxels(sizes, voxel_size)]
    return [
        *_of_pores(known, scan),
        *_of_contrast(known, scan, card.grey_suffices_from),
        *_of_blur(known, scan),
        *_of_voxels(sizes, voxel_size),
    ]


def _of_pores(known: Sequence[ScanTraits], scan: ScanTraits) -> Iterator[str]:
    ball, balls = scan.largest_ball, _range([each.largest_ball for each in known])
    if ball is not None and balls is not None and ball > BALL_FACTOR * balls[1]:
        yield (
            f"the scan has pores that hold balls of up to {ball:.3g} voxels in diameter, the "
            f"training scans of up to {balls[1]:.3g}: large pores may be hollowed or missed, and "
            f"porosity too low; {BY_THRESHOLDS}"
        )
    size, sizes = scan.pore_diameter, _range([each.pore_diameter for each in known])
    if size is not None and sizes is not None and _is_beyond(size, sizes, FACTOR):
        yield (
            f"the pores of the scan are typically {size:.3g} voxels in diameter, those of the "
            f"training scans {_span(sizes)}: it was not trained on such pores"
        )


def _of_contrast(
    known: Sequence[ScanTraits], scan: ScanTraits, suffices: float | None
) -> Iterator[str]:
    found, trained = scan.contrast_to_noise, _range([each.contrast_to_noise for each in known])
    if found is None:
        return
    said = f"the contrast of the scan is {found:.3g} times its noise"
    if suffices is not None and found >= suffices:
        yield (
            f"{said}: from {suffices:.3g} on the grey value alone told pores from solid as well as "
            f"this network, or better; {BY_THRESHOLDS}"
        )
    elif trained is not None and found > FACTOR * trained[1]:
        yield (
            f"{said}, that of the training scans {_span(trained)}: on a scan as clean as this one "
            f"thresholds often do better; {BY_THRESHOLDS}"
        )
    if trained is not None and found < trained[0] / FACTOR:
        yield (
            f"{said}, that of the training scans {_span(trained)}: it was not trained on so much "
            "noise"
        )


def _of_blur(known: Sequence[ScanTraits], scan: ScanTraits) -> Iterator[str]:
    blur, blurs = scan.blur, _range([each.blur for each in known])
    if blur is not None and blurs is not None and _is_beyond(blur, blurs, FACTOR):
        yield (
            f"edges of the scan are blurred by {blur:.2g} voxels, those of the training scans by "
            f"{_span(blurs)}: the rims of pores may be drawn too wide or too narrow"
        )


def _of_voxels(known: Sequence[VoxelSize], scan: VoxelSize) -> Iterator[str]:
    sizes = _range([edge for each in known for edge in each])
    if sizes is not None and any(_is_beyond(edge, sizes, VOXEL_FACTOR) for edge in scan):
        edges = " x ".join(f"{edge:.3g}" for edge in dict.fromkeys(scan))
        yield (
            f"voxels of the scan are {edges} um, those of the training scans {_span(sizes)} um: "
            "a pore of one size in um spans another number of voxels"
        )


def _range(values: Sequence[float | None]) -> tuple[float, float] | None:
    found = [value for value in values if value is not None]
    return (min(found), max(found)) if found else None


def _is_beyond(value: float, known: tuple[float, float], factor: float) -> bool:
    return not known[0] / factor <= value <= known[1] * factor


def _span(known: tuple[float, float]) -> str:
    low, high = (f"{each:.3g}" for each in known)
    return low if low == high else f"{low} to {high}"
