"""The methods paragraph, ready to paste, from what the volumes and the table record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poroscale.volume import Shape, VoxelSize

REFERENCES = {
    "poroscale": "The poroscale developers. poroscale: a Dask/Zarr engine for porous 3D volumes, "
    "version {version}.",
    "iuso": "Iuso D, Chatterjee S, Cornelissen S, Verhees D, De Beenhouwer J, Sijbers J (2024). "
    "Voxel-wise segmentation for porosity investigation of additive manufactured parts with 3D "
    "unsupervised and (deeply) supervised neural networks.",
    "otsu": "Otsu N (1979). A threshold selection method from gray-level histograms. IEEE Trans. "
    "Syst. Man Cybern. 9(1), 62–66.",
    "crofton": "Lehmann G, Legland D (2012). Efficient N-dimensional surface estimation using "
    "Crofton formula and run-length encoding. The Insight Journal.",
    "murakami": "Murakami Y (2002). Metal Fatigue: Effects of Small Defects and Nonmetallic "
    "Inclusions. Elsevier.",
    "zingg": "Zingg T (1935). Beitrag zur Schotteranalyse. Schweiz. Mineral. Petrogr. Mitt. 15, "
    "39–140.",
}


@dataclass(frozen=True)
class Methods:
    """A paragraph with numbered citations, and the works they point to."""

    paragraph: str
    references: list[str]


def methods_text(
    *,
    shape: Shape | None,
    voxel_size: VoxelSize | None,
    segmentation: Mapping[str, Any],
    numbers: Mapping[str, Any],
    pores: Mapping[str, Any],
) -> Methods:
    """The paragraph on scan, segmentation, measurement and result.

    `pores` is what the pore table says about itself (connectivity, smallest shape-valid size).
    """
    sentences = [
        _scan_sentence(shape, voxel_size),
        *_segmentation_sentences(segmentation),
        *_pore_sentences(segmentation, pores),
        *(_measure_sentences(pores) if numbers["pore_count"] else ()),
        *_result_sentences(numbers),
    ]
    return _numbered(" ".join(sentences))


def _scan_sentence(shape: Shape | None, voxel_size: VoxelSize | None) -> str:
    if shape is None or voxel_size is None:
        return "The pore table was evaluated with poroscale {version} [poroscale]."
    same = len(set(voxel_size)) == 1
    voxel = f"{voxel_size[0]:g} µm" if same else " × ".join(f"{v:g}" for v in voxel_size) + " µm"
    order = "" if same else " (z, y, x)"
    return (
        f"A volume of {' × '.join(f'{n:,}' for n in shape)} voxels (z, y, x; z is the build "
        f"direction) with a voxel size of {voxel}{order} was analysed with poroscale {{version}} "
        "[poroscale]."
    )


def _segmentation_sentences(segmentation: Mapping[str, Any]) -> list[str]:
    if not segmentation:
        return ["The phases were given; their segmentation is not part of this analysis."]
    sentences = [_smoothing_sentence(segmentation.get("smoothing"))]
    outer, inner = segmentation.get("outer_threshold"), segmentation.get("inner_threshold")
    if outer is not None:
        sentences.append(
            "The part was separated from its surroundings by a flood fill of the outside below "
            f"a grey value of {outer:,.5g} (Otsu's threshold of the whole histogram [otsu]), "
            "after Algorithm 1 of [iuso]."
        )
    if inner is not None:
        sentences.append(
            f"Inside the part, voxels below {inner:,.5g} were taken as pore "
            f"({_rule(str(segmentation.get('inner_rule', '')))})."
        )
    close = segmentation.get("close_um")
    if close:
        sentences.append(
            f"Outside voxels within the morphological closing of the solid by {close:g} µm were "
            "taken as pores open to the surface."
        )
    return [s for s in sentences if s]


def _rule(name: str) -> str:
    return {
        "otsu": "a second Otsu threshold, of the grey values inside the part",
        "iso50": "half way between the grey values of pore and solid",
        "manual": "a threshold set by hand",
    }.get(name, name or "rule not recorded")


def _smoothing_sentence(smoothing: Any) -> str:
    if not smoothing:
        return "The grey values were not filtered."
    if not isinstance(smoothing, Mapping):
        return f"The grey values were filtered first ({smoothing})."
    name = str(smoothing.get("method", smoothing.get("kind", smoothing.get("filter", "smoothing"))))
    rest = [f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in smoothing.items()]
    rest = [text for text in rest if not text.endswith(f" {name}")]
    detail = f" ({', '.join(rest)})" if rest else ""
    return f"The grey values were first filtered with a {name} filter{detail}."


def _pore_sentences(segmentation: Mapping[str, Any], pores: Mapping[str, Any]) -> list[str]:
    connectivity = pores.get("connectivity", segmentation.get("connectivity"))
    smallest = segmentation.get("min_voxels")
    if connectivity is None:
        return []
    rule = f"Pores are {connectivity}-connected components of pore voxels"
    if smallest is None or smallest <= 1:
        return [rule + "."]
    return [rule + f" with at least {smallest} voxels; smaller ones were set to solid."]


def _measure_sentences(pores: Mapping[str, Any]) -> list[str]:
    limit = pores.get("shape_min_voxels")
    least = f" of at least {limit} voxels" if limit else " large enough for it"
    return [
        "Volume, centroid and inertia tensor of each pore were computed from its voxel moments; "
        "the equivalent diameter is that of a sphere of equal volume.",
        "Surface area was estimated with Crofton's formula on 2 × 2 × 2 voxel configurations "
        "[crofton]; sphericity is the surface of the sphere of equal volume over that area.",
        "Elongation b/a and flatness c/b are ratios of the axes a ≥ b ≥ c of the ellipsoid of "
        "equal inertia [zingg].",
        "√area is the square root of the area projected along the build direction [murakami].",
        f"Shape and orientation are reported for pores{least} only.",
    ]


def _result_sentences(numbers: Mapping[str, Any]) -> list[str]:
    count, porosity = numbers["pore_count"], numbers.get("porosity")
    if not count:
        return ["No pore was found."]
    text = f"{count:,} pores were found"
    if porosity is not None:
        text += f", a porosity of {100 * porosity:.3g} %"
    if numbers.get("porosity_low") is not None:
        low, high = 100 * numbers["porosity_low"], 100 * numbers["porosity_high"]
        text += (
            f" ({low:.3g}–{high:.3g} % for pore thresholds shifted by up to "
            f"±{100 * numbers['threshold_shift']:.3g} %)"
        )
    return [
        text + f", with a median equivalent diameter of {numbers['median_diameter_um']:.3g} µm."
    ]


def _numbered(text: str) -> Methods:
    """Replace [name] by [1], [2], ... in order of appearance."""
    from poroscale import __version__

    keys = sorted((k for k in REFERENCES if f"[{k}]" in text), key=lambda k: text.index(f"[{k}]"))
    for number, key in enumerate(keys, start=1):
        text = text.replace(f"[{key}]", f"[{number}]")
    references = [REFERENCES[key].replace("{version}", __version__) for key in keys]
    return Methods(text.replace("{version}", __version__), references)
