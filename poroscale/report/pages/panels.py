"""The sections of the page: each figure drawn, turned into SVG, and explained in one caption."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poroscale.report.cautions import shift_base
from poroscale.report.style import house_style, svg_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from poroscale.report.kind import SubjectKind
    from poroscale.report.sections.extent import PartExtent
    from poroscale.report.table import PoreTable


@dataclass(frozen=True)
class Panel:
    """One figure of the page; a wide one takes the whole width."""

    name: str
    caption: str
    svg: str
    wide: bool = False


@dataclass(frozen=True)
class PageSection:
    """A heading with its figures."""

    name: str
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn: a function that gives it, or None where there is nothing to show."""

    name: str
    draw: Callable[[], Figure | None]
    caption: str
    wide: bool = False


def draw_sections(
    table: PoreTable,
    *,
    extent: PartExtent | None,
    segmentation: Mapping[str, Any],
    kind: SubjectKind,
) -> list[PageSection]:
    """Every section that has something to show of such a kind, in the order of the page."""
    plan = {
        ("size", "Size"): _size(table, kind),
        ("shape", "Shape"): _shape(table),
        ("orientation", "Orientation"): _orientation(table, kind),
        ("position", "Position"): _position(table, extent, kind),
        ("relations", "Relations between measures"): _relations(table),
        ("segmentation", "Segmentation and threshold"): _segmentation(segmentation),
    }
    if kind.connected:
        single = {"size", "shape", "orientation", "relations"}
        plan = {heading: plan[heading] for heading in plan if heading[0] not in single}
    with house_style():
        return drawn_sections(plan)


def drawn_sections(plan: Mapping[tuple[str, str], Sequence[Drawing]]) -> list[PageSection]:
    """Sections by name and title, but for those without a figure."""
    sections = []
    for (name, title), drawings in plan.items():
        panels = tuple(panel for d in drawings if (panel := _drawn(d)) is not None)
        if panels:
            sections.append(PageSection(name, title, panels))
    return sections


def _drawn(drawing: Drawing) -> Panel | None:
    figure = drawing.draw()
    if figure is None:
        return None
    return Panel(drawing.name, drawing.caption, svg_of(figure, drawing.name), drawing.wide)


def _size(table: PoreTable, kind: SubjectKind) -> list[Drawing]:
    from poroscale.report.figures import size

    diameter, weight = "equivalent spherical diameter", "volume"
    if kind.flat is not None:
        diameter, weight = "diameter of the circle of the same area", "area"
    return [
        Drawing(
            "size-distribution",
            lambda: size.size_distribution(table, weight),
            f"Distribution of the {diameter}, weighted by number (filled) and by {weight} (line). "
            "Classes of equal ratio. At diameters with a grey background some or all pores are too "
            "small for their shape to be measured.",
        ),
        Drawing(
            "size-by-class",
            lambda: size.size_by_class(table),
            "Number of pores of each class over the equivalent spherical diameter; logarithmic "
            "scales, so that rare large pores show.",
        ),
    ]


def _shape(table: PoreTable) -> list[Drawing]:
    from poroscale.report.figures import shape

    return [
        Drawing(
            "sphericity",
            lambda: shape.sphericity_distribution(table),
            "Sphericity: surface of the sphere of equal volume over the surface of the pore. "
            "Resolved pores only.",
        ),
        Drawing(
            "shape-zones",
            lambda: shape.shape_zones(table),
            "Elongation and flatness of the ellipsoid of equal inertia (axes a ≥ b ≥ c). Dashed "
            "lines at 2/3 divide the zones of Zingg. Resolved pores only.",
        ),
    ]


def _orientation(table: PoreTable, kind: SubjectKind) -> list[Drawing]:
    from poroscale.report.figures import orientation

    if kind.flat == 0:
        return [
            Drawing(
                "azimuth",
                lambda: orientation.azimuth_rose(table),
                "Direction of the long axis in the image (0° along x, 90° along y). The area of a "
                "petal is proportional to the number of pores; an axis has no head, so opposite "
                "petals are equal. Resolved pores only.",
            )
        ]
    if kind.flat is not None:
        return []
    return [
        Drawing(
            "build-angle",
            lambda: orientation.angle_to_build_direction(table),
            "Angle between the long axis of a pore and the build direction z; dashed: what "
            "randomly oriented pores would give. Resolved pores only.",
        ),
        Drawing(
            "azimuth",
            lambda: orientation.azimuth_rose(table),
            "Azimuth of the long axis in the build plane (0° along x, 90° along y). The area of "
            "a petal is proportional to the number of pores; an axis has no head, so opposite "
            "petals are equal. Pores within 10° of the build direction are left out.",
        ),
    ]


def _position(table: PoreTable, extent: PartExtent | None, kind: SubjectKind) -> list[Drawing]:
    if kind.connected:
        return [] if kind.flat is not None else _porosities(table, extent)
    distance = _surface_distance(table, "area" if kind.flat is not None else "volume")
    if kind.flat is None:
        return [*_centroids(table, extent), distance, _rings(table, extent)]
    return [_seen_along_z(table, extent, "Pore centroids over")] * (kind.flat == 0) + [distance]


def _porosities(table: PoreTable, extent: PartExtent | None) -> list[Drawing]:
    """Of a connected pore space, whose pores have no places."""
    from poroscale.report.figures import position

    return [
        Drawing(
            "sections",
            lambda: position.porosity_along_z(extent),
            "Porosity of sections normal to the axis z; dashed: whole part.",
        ),
        _rings(table, extent),
    ]


def _seen_along_z(table: PoreTable, extent: PartExtent | None, what: str) -> Drawing:
    from poroscale.report.figures import position

    return Drawing(
        "positions",
        lambda: position.positions_xy(table, extent),
        f"{what} the shadow of the part where it is known; y runs downwards as in the slices.",
    )


def _centroids(table: PoreTable, extent: PartExtent | None) -> list[Drawing]:
    from poroscale.report.figures import position

    sections = (
        "Porosity of sections normal to the build direction (left; dashed: whole part) and "
        "number of pore centroids in them (right)."
        if extent
        else "Number of pore centroids in sections normal to the build direction."
    )
    return [
        _seen_along_z(table, extent, "Pore centroids seen along the build direction, over"),
        Drawing("sections", lambda: position.along_build_direction(table, extent), sections),
    ]


def _surface_distance(table: PoreTable, weight: str) -> Drawing:
    from poroscale.report.figures import position

    return Drawing(
        "surface-distance",
        lambda: position.surface_distance(table, weight),
        "Distance of the pores to the free surface of the part, weighted by number (filled) "
        f"and by {weight} (line).",
    )


def _rings(table: PoreTable, extent: PartExtent | None) -> Drawing:
    from poroscale.report.figures import position

    return Drawing(
        "radial",
        lambda: position.radial_porosity(table, extent),
        "Porosity of rings around the vertical axis through the part's centre of mass; "
        "dashed: whole part.",
    )


def _relations(table: PoreTable) -> list[Drawing]:
    from poroscale.report.figures import pairs

    return [
        Drawing(
            "pairs",
            lambda: pairs.pair_plots(table),
            "Main measures of the resolved pores in pairs: below the diagonal each pore, or the "
            "number of pores per cell on a logarithmic colour scale where there are more than "
            "1,500; on the diagonal the distributions; above it Spearman's rank correlation.",
            wide=True,
        )
    ]


LOCAL_SHIFTS = (
    "Porosity by counting voxels, for other shares of pore from which a voxel counts: what a "
    "threshold would find. The porosity above adds up partial volumes and depends on none of them."
)


def _segmentation(segmentation: Mapping[str, Any]) -> list[Drawing]:
    from poroscale.report.figures import threshold

    scored, local = (segmentation.get("method") == name for name in ("scores", "local"))
    what = "Scores of the voxels" if scored else "Grey values of the scan as segmented"
    after = "" if scored or local else " (after smoothing)"
    shares = (
        "of the range of scores" if scored else "of the contrast between solid and surroundings"
    )
    return [
        Drawing(
            "grey-histogram",
            lambda: threshold.draw_grey_histogram(segmentation),
            f"{what}{after} outside and inside the part, with the "
            f"{'levels' if local else 'thresholds'}.",
        ),
        Drawing(
            "sensitivity",
            lambda: threshold.sensitivity(
                segmentation.get("sensitivity") or (),
                of=f"% of the {shift_base(segmentation)}",
            ),
            LOCAL_SHIFTS
            if local
            else "Porosity and number of pores for other pore thresholds, shifted by a share "
            f"{shares}. The range of porosity over these shifts is the uncertainty given above.",
        ),
    ]
