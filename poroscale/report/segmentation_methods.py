"""Sentences of the methods paragraph on how the phases were found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def segmentation_sentences(segmentation: Mapping[str, Any], phases: Mapping[str, Any]) -> list[str]:
    """Sentences on how the phases were found, from their record and their other attributes."""
    if not segmentation:
        return ["The phases were given; their segmentation is not part of this analysis."]
    if segmentation.get("method") == "local":
        return local_sentences(segmentation)
    outer, inner = segmentation.get("outer_threshold"), segmentation.get("inner_threshold")
    flood = _flood_settings(phases)
    sentences = [_smoothing_sentence(segmentation, flood)]
    if outer is not None:
        sentences.append(_flood_sentence(outer, inner, flood))
    if inner is not None:
        rule = _RULES.get(str(segmentation.get("inner_rule")), "rule not recorded")
        sentences.append(
            f"Inside the part, voxels with grey values up to {inner:,.5g} were taken as pore "
            f"({rule}){_hysteresis(segmentation)}."
        )
    network = segmentation.get("network")
    if network:
        sentences += network_sentences(network, segmentation.get("windows") or {})
    if segmentation.get("score_threshold") is not None:
        sentences.append(_score_sentence(segmentation))
    close = segmentation.get("close_um")
    if close:
        sentences.append(
            "Voxels outside the part but within its morphological closing with a ball of "
            f"{close:g} µm radius were taken as pores open to the surface."
        )
    return sentences


def local_sentences(segmentation: Mapping[str, Any]) -> list[str]:
    """Paragraph on how the method of local levels found the phases."""
    outside, voxels = segmentation["outside"], segmentation["void_core_voxels"]
    cores = (
        f"from {voxels:,} voxels in the cores of resolved pores" if voxels else "that of the air"
    )
    sentences = [
        f"The outside was read as: {outside['chosen']}. The surface of the part lies where grey "
        "crosses the middle between the air and the local level of the solid.",
        "The local level of the solid was measured as the mean of what surely is solid, by "
        "normalised convolution [knutsson] over cells of 4 voxels; the level of a void in it was "
        f"taken {cores}. The point spread, a Gaussian of {segmentation['point_spread_voxels']:.2f} "
        "voxels, follows from the surfaces.",
        "Around every pore, what the scan lacks of the grey value that is expected there without "
        "pores was added up (partial volume); the porosity is this sum over the volume of the "
        "part. "
        "The voxels of a pore are those above half its depth.",
    ]
    close = segmentation.get("close_um")
    if close:
        sentences.append(
            f"The outside was first opened: recesses that a ball of {close:g} µm radius does not "
            "enter count as pores open to the surface."
        )
    return sentences


def network_sentences(network: Mapping[str, Any], windows: Mapping[str, Any]) -> list[str]:
    """Sentences on how a trained network scored the voxels.

    Parameters
    ----------
    network
        The record of the network: model, size, training, and the grey range of the scan.
    windows
        The record of how the scan was cut.
    """
    labels = "with labelled pores" if network["supervised"] else "without labels"
    scans = f"{network['scans']} scan{'s' if network['scans'] != 1 else ''}"
    low, high = network["grey_range"]
    return [
        f"Every voxel was then scored by a neural network, {network['model']} of "
        f"{network['parameters'] / 1e6:.3g} million parameters [iuso], trained {labels} on {scans} "
        f"(SHA-256 of the weights {network['weights'][:12]}).",
        f"The grey values from {low:,.5g} to {high:,.5g} became 0 to 1{_windows_words(windows)}.",
        _score_words(network),
    ]


def _windows_words(windows: Mapping[str, Any]) -> str:
    """End of a sentence on how the scan was cut."""
    if not windows:
        return ""
    if windows["halo"]:
        return (
            f"; the network saw the scan in tiles of {windows['edge']} voxels an axis, each with "
            f"{windows['halo']} voxels of context around it"
        )
    return (
        f"; the network saw the scan in windows of {windows['edge']} voxels an axis that "
        f"overlap by {windows['overlap']}, and its answers were averaged where they overlap"
    )


def _score_words(network: Mapping[str, Any]) -> str:
    """Definition of a score, in words."""
    if network["supervised"]:
        return "The score of a voxel is the probability of a pore."
    text = (
        "The score of a voxel is the absolute difference between the scan and the network's "
        "reconstruction of it"
    )
    found = network.get("postprocessing")
    if not found:
        return f"{text}."
    return (
        f"{text}, less what the surface explains: {found['weight']:.3g} times the slope of the "
        f"reconstruction, smoothed by a Gaussian of {found['sigma_voxels']:.3g} voxels."
    )


def _flood_settings(phases: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings of the flood of the outside: they stand by themselves, or with those of scores."""
    made_by = phases.get("made_by") or {}
    config = made_by.get("config") or made_by.get("scores") or {}
    if not isinstance(config, Mapping):
        return {}
    flood = config.get("outside")
    return flood if isinstance(flood, Mapping) else config


def _flood_sentence(outer: float, inner: float | None, flood: Mapping[str, Any]) -> str:
    if flood.get("outside") == "none":
        return "Nothing was taken for outside: the whole volume is the part."
    by_hand = flood.get("outer_threshold") is not None
    rule = "set by hand" if by_hand else "Otsu's threshold of the whole histogram [otsu]"
    return (
        "The part was separated from its surroundings by flooding, from outside, the grey values "
        f"up to {outer:,.5g} ({rule}), after Algorithm 1 of [iuso]{_second_flood(outer, inner)}."
    )


_RULES = {
    "otsu": "a second Otsu threshold, of the grey values inside the part",
    "iso50": "midway between the grey values of the surroundings and of the solid",
    "manual": "set by hand",
}


_SCORE_RULES = {
    "otsu": "Otsu's threshold of the scores inside the part [otsu]",
    "yen": "Yen's threshold of the scores inside the part [yen]",
    "dice": "the one of largest Dice coefficient on labelled voxels",
    "manual": "set by hand",
}


def _score_sentence(segmentation: Mapping[str, Any]) -> str:
    rule = _SCORE_RULES.get(str(segmentation.get("score_rule")), "rule not recorded")
    width = segmentation.get("hysteresis")
    grown = f"; from these, pores were grown into scores up to {width:g} below" if width else ""
    return (
        "Inside the part, voxels that the network gave a score of at least "
        f"{segmentation['score_threshold']:.3g} were taken as pore ({rule}){grown}."
    )


def _second_flood(outer: float, inner: float | None) -> str:
    higher = inner is not None and inner > outer
    return "; the flood then went on up to the pore threshold, which is higher" if higher else ""


def _hysteresis(segmentation: Mapping[str, Any]) -> str:
    width = segmentation.get("hysteresis")
    return f"; from these, pores were grown into grey values up to {width:g} above" if width else ""


def _smoothing_sentence(segmentation: Mapping[str, Any], flood: Mapping[str, Any]) -> str:
    """Filters before the thresholds; those of the flood alone, where scores made the phases."""
    smoothing = segmentation.get("smoothing")
    steps = []
    for name, text in _FILTERS.items():
        value = (flood if smoothing is None else smoothing).get(name)
        if value:
            steps.append(text.format(value))
    if not steps:
        return "The grey values were not filtered."
    told = "first" if smoothing is not None else "for the flood alone"
    return f"The grey values were {told} smoothed with {' and '.join(steps)}."


_FILTERS = {
    "median_voxels": "a median filter of radius {} voxels",
    "gaussian_um": "a Gaussian filter of {:g} µm standard deviation",
}
