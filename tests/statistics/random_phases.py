"""Random volumes of a few phases, with and without a mask, for comparison with whole arrays."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from poroscale.statistics.phases import PhaseMap
from tests.strategies import blocks, shapes


@dataclass(frozen=True)
class Sample:
    """Phases, the mask if there is one, a phase value of the map, and a block."""

    phases: np.ndarray
    inside: np.ndarray | None
    map: PhaseMap
    value: int
    block: tuple[int, int, int]

    @property
    def counted(self):
        """Where voxels count."""
        known = self.phases != (-1 if self.map.outside is None else self.map.outside)
        return known if self.inside is None else known & (self.inside != 0)

    @property
    def phase(self):
        """Where the voxels of the phase are."""
        return (self.phases == self.value) & self.counted


@st.composite
def phase_volumes(draw, longest=14):
    """Samples from sparse to dense, some of them smooth, some with the value of `outside`."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(shapes(longest))
    share = draw(st.sampled_from([0.02, 0.1, 0.4, 0.7]))
    phases = np.where(rng.random(shape) < share, rng.integers(0, 2, shape), 2).astype(np.uint8)
    inside = None
    if draw(st.booleans()):
        inside = (rng.random(shape) < draw(st.sampled_from([0.5, 0.95]))).astype(np.uint8)
    outside = draw(st.sampled_from([None, 0]))
    known = PhaseMap((0, 1, 2)) if outside is None else PhaseMap((1, 2), outside)
    value = draw(st.sampled_from(known.values))
    return Sample(phases, inside, known, value, draw(blocks()))
