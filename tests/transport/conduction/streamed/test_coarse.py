"""The preconditioner of slabs: one symmetric matrix, and its answer to the residual is known."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from poroscale.engine import Run, volume_from_array
from poroscale.kernels.conduction.aggregates import graph_of_lattice
from poroscale.transport.conduction.effective import CodedPhases, Drive
from poroscale.transport.conduction.lattice import ConductingLattice
from poroscale.transport.conduction.multigrid import kinds_of
from poroscale.transport.conduction.streamed.clusters import (
    AggregateRule,
    CodedMedium,
    aggregate_slabs,
    code_slabs,
    join_slabs,
)
from poroscale.transport.conduction.streamed.coarse import SlabSeams
from poroscale.transport.conduction.streamed.iterating import Answer, descend_slab, rise_slab
from poroscale.transport.conduction.streamed.planning import needs_of_slabs
from poroscale.transport.conduction.streamed.slabs import SlabLattice, SlabMedium, SlabPasses
from poroscale.volume import VolumeSpec
from tests.transport.conduction.media import blobs

PHASES = blobs(16, seed=5, share=0.6)[:11, :10]
KNOWN = {0: 1e-3, 1: 1.0}


@pytest.fixture(scope="module", params=["closed", "periodic"])
def seams(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("slabs")
    spec = VolumeSpec(PHASES.shape, PHASES.dtype, (1.0, 2.0, 1.0))
    run = Run(progress=False, workers=1)
    volume = volume_from_array(PHASES, folder / "v.zarr", spec=spec, run=run)
    drive = Drive(0, voxel_size=volume.voxel_size, sides=request.param)
    medium = SlabMedium(volume, KNOWN, drive, 4)
    passes = SlabPasses(folder, medium.grid, 2, {}, run)
    needs = needs_of_slabs(medium, share=1.0)
    coded = code_slabs(medium, passes, needs["phases"])
    given = CodedMedium(medium, coded, join_slabs(medium, coded, folder / "carrying"))
    rule = AggregateRule(2, kinds_of(medium.conductivities))
    carried = aggregate_slabs(given, rule, passes, needs["aggregates"], name="aggregates")
    return SlabSeams.of(SlabLattice(medium, carried)), passes, needs


def whole_of(medium):
    coded = CodedPhases.of(PHASES.shape, [PHASES], KNOWN, axis=0)
    periodic = medium.drive.sides == "periodic"
    return ConductingLattice.of(
        coded.codes, coded.table, edges=medium.drive.voxel_size, periodic=periodic
    )


def test_the_graph_of_slabs_is_that_of_the_whole(seams):
    seams, _, _ = seams
    slabs, lattice = seams.slabs, whole_of(seams.slabs.medium)
    groups = [slabs.carried.one(k, "groups") + first for k, first in enumerate(seams.firsts[:-1])]
    of = np.concatenate(groups).astype(np.int32)
    known = graph_of_lattice(lattice.numbers, lattice.codes, lattice.pairs, of, seams.firsts[-1])
    graph, places, _ = seams._graph()
    assert np.array_equal(graph.rows, known.rows)
    assert graph.ground == pytest.approx(known.ground)
    for first, stop in pairwise(graph.rows):
        mine, theirs = (np.argsort(each.columns[first:stop]) + first for each in (graph, known))
        assert np.array_equal(graph.columns[mine], known.columns[theirs])
        assert graph.weights[mine] == pytest.approx(known.weights[theirs], rel=1e-5)
    assert places.max(axis=0).tolist() == [5, 4, 7]


def test_the_product_that_sums_give_is_that_of_residual_and_image(seams, tmp_path):
    """The square of the residual is known before the second pass has made the image."""
    seams, passes, needs = seams
    below = passes.over(
        "below", partial(descend_slab, slabs=seams.slabs, step=None), needs["descend"]
    )
    lattice, slabs = whole_of(seams.slabs.medium), range(len(seams.slabs.medium.grid))
    x = np.concatenate([below.one(k, "x") for k in slabs])
    assert np.array_equal(x, lattice.profile())
    residual = lattice.vector()
    lattice.flow(x, residual, first=1.0)
    right = np.concatenate([below.one(k, "right") for k in slabs])
    product = sum(below.one(k, "sums")[0] for k in slabs) + seams.add_residual(below, right)
    assert sum(below.one(k, "sums")[1] for k in slabs) == pytest.approx(lattice.energy(x))
    cycle = seams.cycle(mixed=False)
    cycle.right[:] = right
    answer = cycle.correction().copy()
    answer.tofile(tmp_path / "answer")
    given = Answer(tmp_path / "answer", tuple(seams.firsts.tolist()))
    task = partial(
        rise_slab, slabs=seams.slabs, below=below, answer=given, directions=None, ratio=0.0
    )
    above = passes.over("above", task, needs["rise"])
    image = np.concatenate([above.one(k, "p") for k in slabs]).astype(float)
    assert product + right.astype(float) @ answer == pytest.approx(residual @ image, rel=1e-4)
    power = sum(float(above.one(k, "power")) for k in slabs) + seams.energy(above)
    flow = lattice.vector()
    assert power == pytest.approx(-lattice.flow(image.astype(np.float32), flow), rel=1e-4)
