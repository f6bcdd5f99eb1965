"""What a permeability takes, against what numpy has given out."""

from __future__ import annotations

import tracemalloc

import pytest

from poroscale.transport.flow.permeability import permeability
from poroscale.transport.flow.planning import permeability_bytes
from tests.transport.flow.solids import blobs


@pytest.mark.parametrize("share", [0.4, 0.8])
def test_the_plan_holds(share: float) -> None:
    pore = blobs((48, 48, 48), seed=8, share=share)
    permeability(pore[:8, :8, :8], "z")  # compiled code is not part of the plan
    tracemalloc.start()
    permeability(pore, "z")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    planned = permeability_bytes(pore.size, int(pore.sum()))
    assert 0.6 * planned < peak < planned
