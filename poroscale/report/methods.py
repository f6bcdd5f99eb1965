"""The methods paragraph, ready to paste, from what the volumes and the table record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poroscale.report.kind import SubjectKind, taken_in_words
from poroscale.report.segmentation_methods import segmentation_sentences

if TYPE_CHECKING:
    from poroscale.volume import Shape, VoxelSize

REFERENCES = {
    "knutsson": "Knutsson, H. & Westin, C.-F. Normalized and differential convolution. "
    "Proc. CVPR, 515–523 (1993).",
    "poroscale": "The poroscale developers. poroscale: a Dask/Zarr engine for porous 3D volumes, "
    "version {version}.",
    "iuso": "Iuso D, Chatterjee S, Cornelissen S, Verhees D, De Beenhouwer J, Sijbers J (2024). "
    "Voxel-wise segmentation for porosity investigation of additive manufactured parts with 3D "
    "unsupervised and (deeply) supervised neural networks.",
    "otsu": "Otsu N (1979). A threshold selection method from gray-level histograms. IEEE Trans. "
    "Syst. Man Cybern. 9(1), 62–66.",
    "yen": "Yen JC, Chang FJ, Chang S (1995). A new criterion for automatic multilevel "
    "thresholding. IEEE Trans. Image Process. 4(3), 370–378.",
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
    phases: Mapping[str, Any],
    numbers: Mapping[str, Any],
    settings: Mapping[str, Any],
    kind: SubjectKind | None = None,
) -> Methods:
    """The paragraph on scan, segmentation, measurement and result.

    `phases` are the attributes of the segmented volume, empty where it came from elsewhere;
    `settings` are those that the pore table was measured with, empty where it does not say.
    """
    segmentation, kind = phases.get("segmentation") or {}, kind or SubjectKind()
    taken = numbers.get("taken_for")
    sentences = [
        _scan_sentence(shape, voxel_size, kind),
        *segmentation_sentences(segmentation, phases),
        *([taken_in_words(taken)] if taken else ()),
        *_pore_sentences(segmentation, settings),
        *(_measure_sentences(settings, kind) if numbers["pore_count"] else ()),
        *_result_sentences(numbers, segmentation, kind),
    ]
    return _numbered(" ".join(sentences))


def _scan_sentence(shape: Shape | None, voxel_size: VoxelSize | None, kind: SubjectKind) -> str:
    if shape is None or voxel_size is None:
        return "The pore table was evaluated with poroscale {version} [poroscale]."
    if kind.flat is not None:
        axes = [axis for axis in range(3) if axis != kind.flat]
        pixels = " × ".join(f"{shape[axis]:,}" for axis in axes)
        edges = " × ".join(f"{voxel_size[axis]:g}" for axis in axes)
        return (
            f"An image of {pixels} pixels ({', '.join('zyx'[axis] for axis in axes)}) of {edges} "
            "µm was analysed with poroscale {version} [poroscale]."
        )
    same = len(set(voxel_size)) == 1
    voxel = f"{voxel_size[0]:g} µm" if same else " × ".join(f"{v:g}" for v in voxel_size) + " µm"
    order = "" if same else " (z, y, x)"
    names = "z, y, x" if kind.connected else "z, y, x; z is the build direction"
    return (
        f"A volume of {' × '.join(f'{n:,}' for n in shape)} voxels ({names}) with a voxel size of "
        f"{voxel}{order} was analysed with poroscale {{version}} [poroscale]."
    )


def _pore_sentences(segmentation: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    connectivity = settings.get("connectivity", segmentation.get("connectivity"))
    if connectivity is None:
        return []
    rule = f"Pores are {connectivity}-connected components of pore voxels"
    least = []
    if (segmentation.get("min_voxels") or 1) > 1:
        least.append(f"{segmentation['min_voxels']} voxels")
    if (segmentation.get("min_extent") or 1) > 1:
        least.append(f"an extent of {segmentation['min_extent']} voxels along every axis")
    if not least:
        return [rule + "."]
    return [f"{rule} with at least {' and '.join(least)}; smaller ones were set to solid."]


def _measure_sentences(settings: Mapping[str, Any], kind: SubjectKind) -> list[str]:
    if kind.connected:
        return [] if kind.flat is not None else _SPACE
    if kind.flat is not None:
        return [
            "Area and centroid of each pore were computed from its pixels; the equivalent diameter "
            "is that of a circle of equal area."
        ]
    return [
        "Volume, centroid and inertia tensor of each pore were computed from its voxel moments; "
        "the equivalent diameter is that of a sphere of equal volume.",
        "Surface area was estimated with Crofton's formula from pairs of voxels in 13 directions "
        "[crofton]; sphericity is the surface of the sphere of equal volume over that area.",
        "Elongation b/a and flatness c/b are ratios of the axes a ≥ b ≥ c of the ellipsoid of "
        "equal moments [zingg].",
        "√area is the square root of the area projected along the build direction [murakami].",
        *_class_sentences(settings),
    ]


_SPACE = [
    "The specific surface is the area of the interface of pore and solid over the volume of the "
    "part, by Crofton's formula from pairs of voxels in 13 directions [crofton]; the edge of the "
    "volume is no interface.",
    "The mean chord length along an axis is the number of pore voxels over half the number of "
    "chord ends along it, ends at the edge of the volume not counted.",
]


def _class_sentences(settings: Mapping[str, Any]) -> list[str]:
    """Sentences on shapes and classes; nothing is claimed where the rules are not known."""
    rules = settings.get("rules") or {}
    wanted = ("min_diameter_voxels", "gas_min_sphericity", "gas_min_aspect")
    if any(rules.get(name) is None for name in (*wanted, "ragged_max_sphericity", "max_tilt_deg")):
        return ["Shape and orientation are reported for pores large enough for it only."]
    shapes = (
        "Shape and orientation are reported for pores with an equivalent diameter of at least "
        f"{rules['min_diameter_voxels']:g} voxels only."
    )
    if not settings.get("classes", True):
        return [shapes]
    return [
        shapes,
        "Of these, pores were classed as gas pores (sphericity of at least "
        f"{rules['gas_min_sphericity']:g} and c/a of at least {rules['gas_min_aspect']:g}), as "
        f"lack of fusion (sphericity below {rules['ragged_max_sphericity']:g}, or flat with the "
        f"short axis within {rules['max_tilt_deg']:g}° of the build direction) or as keyhole pores "
        f"(elongated within {rules['max_tilt_deg']:g}° of it).",
    ]


def _result_sentences(
    numbers: Mapping[str, Any], segmentation: Mapping[str, Any], kind: SubjectKind
) -> list[str]:
    count, porosity = numbers["pore_count"], numbers.get("porosity")
    if not count:
        return ["No pore was found."]
    text = f"{count:,} pores were found"
    if porosity is not None:
        text += f", a porosity of {100 * porosity:.3g} %"
    if numbers.get("porosity_low") is not None:
        low, high = 100 * numbers["porosity_low"], 100 * numbers["porosity_high"]
        if numbers.get("interval") is not None:
            text += f" ({low:.3g}–{high:.3g} %, {numbers['interval']} interval)"
            return [_median(text, numbers, kind)]
        scored = segmentation.get("method") == "scores"
        shifted = "range of scores" if scored else "contrast between solid and surroundings"
        text += (
            f" ({low:.3g}–{high:.3g} % for pore thresholds shifted by up to "
            f"±{100 * numbers['threshold_shift']:.3g} % of the {shifted})"
        )
    return [_median(text, numbers, kind)]


def _median(text: str, numbers: Mapping[str, Any], kind: SubjectKind) -> str:
    if kind.connected:
        share = 100 * numbers["largest_volume_share"]
        size = "volume" if kind.flat is None else "area"
        return f"{text}; the largest holds {share:.3g} % of the pore {size}."
    return text + f", with a median equivalent diameter of {numbers['median_diameter_um']:.3g} µm."


def _numbered(text: str) -> Methods:
    """Replace [name] by [1], [2], ... in order of appearance."""
    from poroscale.version import __version__

    keys = sorted((k for k in REFERENCES if f"[{k}]" in text), key=lambda k: text.index(f"[{k}]"))
    for number, key in enumerate(keys, start=1):
        text = text.replace(f"[{key}]", f"[{number}]")
    references = [REFERENCES[key].replace("{version}", __version__) for key in keys]
    return Methods(text.replace("{version}", __version__), references)
