"""Kind of the subject of a report: it decides which numbers and figures mean something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from poroscale.volume import flat_axis

if TYPE_CHECKING:
    from poroscale.pore_analysis.phases import Chosen
    from poroscale.report.sections.extent import PartExtent
    from poroscale.volume import Shape

CONNECTED, POROUS, SPARSE = 0.5, 0.05, 0.1
"""A pore space is connected if one pore holds more than the first share of its volume, and the
porosity exceeds the second; pores of a porosity up to the third are sparse."""


@dataclass(frozen=True)
class SubjectKind:
    """Kind of the volume of a report.

    Attributes
    ----------
    connected
        One pore holds most of the pore volume, as in rock or open foam.
    labels
        The phases were given: a label image or mask.
    flat
        Axis along which the volume is one slice; None of a body.
    porosity
        Pore volume over the volume of the part; None where it is not known.
    """

    connected: bool = False
    labels: bool = False
    flat: int | None = None
    porosity: float | None = None

    @classmethod
    def of(cls, shape: Shape | None, numbers: Mapping[str, Any], *, labels: bool) -> SubjectKind:
        """The kind of a volume by its shape and the numbers of its pores."""
        porosity, share = numbers.get("porosity"), numbers.get("largest_volume_share")
        connected = (share or 0.0) > CONNECTED and (porosity or 0.0) > POROUS
        return cls(connected, labels, None if shape is None else flat_axis(shape), porosity)

    @property
    def text(self) -> str:
        """In words: "sparse pores in a part", "connected pore space, label image, 2D"."""
        words = ["sparse pores in a part"]
        if self.porosity is not None and self.porosity > SPARSE:
            words = ["separate pores in a part"]
        if self.connected:
            words = ["connected pore space"]
        words += ["label image"] if self.labels else []
        words += ["2D"] if self.flat is not None else []
        return ", ".join(words)

    def facts(self) -> dict[str, Any]:
        """For `report.json`."""
        return {"text": self.text} | {k: v for k, v in asdict(self).items() if k != "porosity"}


def taken_for(values: Chosen, extent: PartExtent, voxels: int) -> dict[str, Any]:
    """Sentence on what each value of a label image was taken for, with its share of the voxels."""
    part, pore = int(extent.part.sum()), int(extent.pore.sum())
    return {
        "pore": values.pore,
        "pore_share": pore / voxels,
        "outside": values.outside,
        "outside_share": 1 - part / voxels,
        "solid_share": (part - pore) / voxels,
    }


def taken_in_words(taken: Mapping[str, Any]) -> str:
    """One sentence on the values of a label image."""
    text = f"Value {taken['pore']} was taken as pore ({100 * taken['pore_share']:.3g} % of voxels)"
    if taken["outside"] is None:
        return f"{text}, all else as solid; nothing is outside."
    return (
        f"{text}, value {taken['outside']} as outside ({100 * taken['outside_share']:.3g} %), all "
        "else as solid."
    )
