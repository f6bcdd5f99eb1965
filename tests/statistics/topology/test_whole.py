import sys
from collections import Counter

import numpy as np
import pytest

from poroscale.kernels.topology.merge_pairs import merge_pairs
from poroscale.statistics.topology.whole import persistence_diagram

VALUES = np.random.default_rng(7).integers(0, 40, (7, 8, 9)).astype(np.uint8)
MODULES = {"cripser": "tcripser", "gudhi": "gudhi"}


@pytest.mark.parametrize("library", ["cripser", "gudhi"])
@pytest.mark.parametrize("values", [VALUES, VALUES[2], VALUES.astype(np.float32) * 0.3])
def test_a_library_gives_the_pairs_of_merge_trees_and_those_of_handles(library, values):
    pytest.importorskip(MODULES[library])
    found = persistence_diagram(values, library=library)
    known = merge_pairs(values)
    assert len(found) == values.ndim
    assert found[0][np.isinf(found[0][:, 1])].tolist() == [[known.oldest, np.inf]]
    finite = found[0][np.isfinite(found[0][:, 1])]
    for ours, theirs in ((known.components, finite), (known.cavities, found[-1])):
        assert Counter(map(tuple, ours.astype(float).tolist())) == Counter(
            map(tuple, theirs.tolist())
        )
    if values.ndim == 3:
        assert len(found[1])


def test_a_library_that_is_missing_is_named(monkeypatch):
    for name in ("tcripser", "gudhi"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="need cripser or gudhi, which is not installed"):
        persistence_diagram(VALUES)
    with pytest.raises(ImportError, match="pip install gudhi"):
        persistence_diagram(VALUES, library="gudhi")
    with pytest.raises(ValueError, match="finite"):
        persistence_diagram(np.full((3, 3), np.nan))
