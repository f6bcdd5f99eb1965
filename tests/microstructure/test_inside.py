"""A medium inside a mask: exact for any box, and computed only where the mask has something."""

import pickle
from dataclasses import dataclass
from math import prod

import numpy as np
import pytest

from poroscale.engine import volume_from_array
from poroscale.microstructure.inside import InsideSampler
from poroscale.microstructure.shares import MaskedShare

SHAPE = (10, 12, 9)


@dataclass(frozen=True)
class Stripes:
    """Phases 0 and 1 by turns along x."""

    tile: tuple[int, int, int] = (4, 4, 4)
    need: int = 100
    held: int = 7

    def __call__(self, origin, shape):
        x = np.arange(origin[2], origin[2] + shape[2]) % 2
        return np.broadcast_to(x.astype(np.uint8), shape)

    @property
    def recipe(self):
        return {"stripes": 2}


@pytest.fixture(scope="module")
def mask(tmp_path_factory):
    ball = np.add.outer(np.add.outer(*[(np.arange(n) - 4) ** 2 for n in (10, 12)]), 0)
    ball = ball[..., None] + (np.arange(9) - 4) ** 2 < 14
    path = tmp_path_factory.mktemp("inside") / "mask.zarr"
    return volume_from_array(np.where(ball, 200, 0).astype(np.uint8), path)


@pytest.fixture(scope="module")
def sampler(mask):
    where = MaskedShare.of(mask, inside=1.0, outside=0.0, at=(1, -2, 3))
    return InsideSampler(Stripes(), where, (2, 0), 1)


def test_the_medium_is_inside_and_one_phase_outside(mask, sampler):
    found = sampler((1, -2, 3), SHAPE)
    inside = mask.read() != 0
    assert found.dtype == np.uint8
    assert 0.1 < inside.mean() < 0.9
    assert (found[~inside] == 1).all()
    stripes = np.broadcast_to(np.array([0, 2] * 5)[:9], SHAPE)
    assert np.array_equal(found[inside], stripes[inside])
    assert (sampler((20, 20, 20), (3, 3, 3)) == 1).all()


def test_any_box_has_the_same_bytes(sampler):
    whole = sampler((-3, -6, -1), (16, 20, 15))
    for origin, shape in [((0, -3, 2), (5, 9, 7)), ((-3, 1, 4), (16, 1, 3))]:
        part = tuple(
            slice(o - a, o - a + n) for o, a, n in zip(origin, (-3, -6, -1), shape, strict=True)
        )
        assert np.array_equal(sampler(origin, shape), whole[part])


def test_nothing_is_computed_where_nothing_is_seen(sampler, monkeypatch):
    asked = []
    original = Stripes.__call__
    monkeypatch.setattr(
        Stripes, "__call__", lambda self, *box: asked.append(box) or original(self, *box)
    )
    sampler((40, 0, 0), (8, 8, 8))
    assert not asked
    sampler((4, 0, 4), (4, 4, 4))
    assert asked == [((4, 0, 4), (4, 4, 4))]


def test_it_tells_what_it_takes(sampler):
    assert sampler.need == 100 + 9 * 64 + prod(SHAPE)
    assert (sampler.held, sampler.tile) == (7, (4, 4, 4))
    assert sampler.recipe["medium"] == {"stripes": 2}
    assert sampler.recipe["outside"] == 1
    assert len(pickle.dumps(sampler)) < 1000
