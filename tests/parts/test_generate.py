"""Generated parts: what was planned is what is found, whatever the blocks."""

from dataclasses import replace
from types import SimpleNamespace

import cc3d
import numpy as np
import pytest
from skimage.measure import regionprops

from poroscale.engine import Run
from poroscale.parts.calibrate import Trials
from poroscale.parts.generate import fill_part
from poroscale.parts.geometry import Cylinder, RoughBox
from poroscale.parts.placing import placement
from poroscale.parts.placing.candidates import CandidateSampler
from poroscale.parts.placing.placement import Planner, place_pores
from poroscale.parts.placing.strata import Strata
from poroscale.storage.columns import read_columns
from poroscale.volume import PHASES
from tests.parts.makers import RADIUS, UM, part_of


def files_of(volume):
    found = {}
    for path in sorted(volume.path.rglob("*")):
        if path.is_file() and ".poroscale" not in path.parts:
            found[path.relative_to(volume.path)] = path.read_bytes()
    return found


def make(model, path, *, layers=256, seed=0, run=None, geometry=None):
    return fill_part(model, path, geometry=geometry or part_of(layers), seed=seed, run=run)


def test_labels_are_as_many_as_the_plan_placed(model, new_path):
    made = make(model, new_path("part.zarr"), layers=2048)
    phases = made.phases.read((0, 0, 0), made.phases.shape)
    labels = cc3d.connected_components(phases == PHASES["pore"], connectivity=6)
    table, about, _ = read_columns(made.table)
    assert about["part"] == made.phases.digest
    closed = ~table["cut"]
    assert made.counts["closed"] == closed.sum() > 1000
    whole = np.flatnonzero(closed)
    seen = set()
    for row in whole:
        corner = [int(table[f"{axis}0"][row]) for axis in "zyx"]
        mask = model.bank.shapes.mask(table["bank_row"][row]) > 0
        box = labels[tuple(slice(c, c + n) for c, n in zip(corner, mask.shape, strict=True))]
        assert len(set(box[mask])) == 1
        seen.add(int(box[mask][0]))
        assert (labels == box[mask][0]).sum() == mask.sum() if row < 40 else True
    assert len(seen) == len(whole)
    assert labels.max() - len(seen) <= made.counts["cut"]


def test_the_table_says_where_pores_lie_and_what_ellipsoid_they_are_like(model, new_path):
    made = make(model, new_path("part.zarr"), layers=384)
    table, _, _ = read_columns(made.table)
    phases = made.phases.read((0, 0, 0), made.phases.shape)
    labels = cc3d.connected_components(phases == PHASES["pore"], connectivity=6)
    by_place = {tuple(np.round(body.centroid, 6)): body for body in regionprops(labels)}
    rows = np.flatnonzero(~table["cut"])
    places = np.stack([table[f"centroid_{axis}_um"] for axis in "zyx"], axis=1) / UM - 0.5
    assert len(rows) > 50
    for row in rows[:50]:
        body = by_place[tuple(np.round(places[row], 6))]
        diameter = UM * (6 / np.pi * body.area) ** (1 / 3)
        assert table["equivalent_diameter_um"][row] == pytest.approx(diameter)
        variance = np.linalg.eigvalsh(np.cov(body.coords.T, bias=True) + np.eye(3) / 12)
        axes = 2 * np.sqrt(5 * variance[::-1]) * UM
        found = [table[f"axis_{which}_um"][row] for which in ("long", "medium", "short")]
        assert found == pytest.approx(axes)
    assert np.isfinite(table["short_axis_angle_deg"][rows]).mean() > 0.5


def test_closed_pores_keep_solid_towards_the_outside(model, new_path):
    made = make(model, new_path("part.zarr"), layers=512)
    phases = made.phases.read((0, 0, 0), made.phases.shape)
    pore, outside = phases == 2, phases == 0
    for axis in range(3):
        ahead = [slice(None)] * 3
        behind = [slice(None)] * 3
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        a, b = tuple(ahead), tuple(behind)
        assert not (pore[a] & outside[b]).any()
        assert not (pore[b] & outside[a]).any()


def test_bytes_do_not_depend_on_blocks_workers_and_scheduler(model, new_path, scheduler):
    first = make(model, new_path("a.zarr"), layers=384)
    runs = [
        Run(block=(128, 128, 128), workers=1),
        Run(block=(256, 128, 128), workers=2),
        Run(cluster=scheduler),
    ]
    for run in runs:
        other = make(model, new_path("b.zarr"), layers=384, run=run)
        assert files_of(first.phases) == files_of(other.phases)
        assert first.table.read_bytes() == other.table.read_bytes()


def test_seeds_differ_and_a_longer_part_begins_like_the_shorter(model, new_path):
    short = make(model, new_path("short.zarr"), layers=192).phases
    long = make(model, new_path("long.zarr"), layers=384).phases
    other = make(model, new_path("other.zarr"), layers=192, seed=1).phases
    box = ((0, 0, 0), short.shape)
    assert np.array_equal(short.read(*box), long.read(*box))
    assert not np.array_equal(short.read(*box), other.read(*box))


@pytest.mark.parametrize("window", [1, 3, 11])
def test_plan_is_the_same_for_any_windows(model, monkeypatch, window):
    sampler = CandidateSampler(model.with_density(lambda p: 4), part_of(1024), 0)
    whole = place_pores(Planner(sampler, model.bank.shapes), 1024)
    monkeypatch.setattr(placement, "WINDOW", window)
    other = place_pores(Planner(sampler, model.bank.shapes), 1024, workers=2)
    assert all(np.array_equal(a, b) for a, b in zip(whole, other, strict=True))


def test_another_diameter_keeps_density_and_place(model):
    thin, thick = part_of(3000), part_of(3000, radius=2 * RADIUS, width=180)
    counts = []
    for geometry in (thin, thick):
        sampler = CandidateSampler(model, geometry, 0)
        pores = place_pores(Planner(sampler, model.bank.shapes), 3000)
        counts.append(len(pores.shape))
        middle = pores.corner + 0.5 * model.bank.shapes.extents[pores.shape]
        median = np.median(geometry.normalised_radius(middle))
        assert median == pytest.approx(np.median(model.pores["r_star"]), abs=0.04)
    assert counts[1] / counts[0] == pytest.approx(4, rel=0.1)


def test_a_box_has_the_density_by_depth(model, new_path):
    box = RoughBox((512, 96, 96), UM, (RADIUS, RADIUS))
    made = make(model, new_path("box.zarr"), geometry=box)
    phases = made.phases.read((0, 0, 0), made.phases.shape)
    assert (phases > 0).sum() == 512 * 80 * 80
    density = model.pores["rate"].sum() / model.settings["section_um2"]
    meant = density * (2 * RADIUS) ** 2 * 512 * UM
    assert made.counts["placed"] == pytest.approx(meant, rel=0.12)


def test_pores_of_a_long_box_keep_their_depth():
    """Pores that lie evenly in a box of 1 : 3 lie evenly in a new one."""
    small, large, count = RADIUS, 3 * RADIUS, 6000
    rng = np.random.default_rng(3)
    depth = np.minimum(small * rng.uniform(0, 1, count), large * rng.uniform(0, 1, count))
    edges = np.linspace(0, 1, 7)
    scanned = {"r_star": 1 - depth / small, "weight": np.ones(count)}
    section = SimpleNamespace(part="box", half_um=(large, small), section_um2=4 * small * large)
    strata = Strata.of(scanned, section)
    box = RoughBox((64, 3 * 80 + 4, 84), UM, (large, small))
    points = rng.random((200_000, 3)) * box.shape
    r_star = box.normalised_radius(points)
    kept = strata.accept(r_star, rng.random(len(points)))
    drawn = np.histogram(r_star[kept], edges)[0] / kept.sum()
    assert drawn == pytest.approx(np.histogram(scanned["r_star"], edges)[0] / count, abs=0.015)


def test_trials_of_one_model_draw_their_surface_once(model):
    drawn = []

    def geometry_of(layers, seed):
        drawn.append((layers, seed))
        return part_of(layers)

    trials = Trials(geometry_of)
    first, again = trials(model), trials(model)
    assert np.array_equal(first.source, again.source)
    trials(model, seed=1)
    assert len(drawn) == 2


@pytest.mark.parametrize("sampling", ["maps", "polar"])
def test_published_samplings_need_a_cylinder(model, sampling):
    published = replace(model, settings=model.settings.but(sampling=sampling))
    box = RoughBox((512, 96, 96), UM, (RADIUS, RADIUS))
    with pytest.raises(ValueError, match=f"`sampling` {sampling} must have a cylinder"):
        CandidateSampler(published, box, 0)
    assert CandidateSampler(published, part_of(64), 0).rate > 0


def test_what_cannot_be_made_is_refused(model, new_path):
    with pytest.raises(
        ValueError, match=r"shape must hold the model's pores, got 3 voxels along z"
    ):
        make(model, new_path("thin.zarr"), layers=3)
    with pytest.raises(ValueError, match="diameter must fit into the volume, got 400 um"):
        Cylinder((64, 60, 60), UM, RADIUS)
    with pytest.raises(ValueError, match="edges of the part must fit"):
        RoughBox((64, 60, 60), UM, (RADIUS, RADIUS))
    dense = model.with_density(lambda p: 60)
    with pytest.raises(ValueError, match=r"density must be one that can be placed.*were reached"):
        make(dense, new_path("dense.zarr"), layers=256)


def test_a_surface_and_a_plan_beyond_the_budget_are_refused_before_they_are_drawn(model, new_path):
    geometry = part_of(3_000_000)
    with pytest.raises(MemoryError, match=r"plan of [\d,]+ pores, got 1,024"):
        fill_part(model, new_path("long.zarr"), geometry=geometry, seed=0, run=Run(memory="1GiB"))


@pytest.mark.slow
def test_hundred_thousand_pores_do_not_merge(model):
    layers = 150_000
    sampler = CandidateSampler(model, part_of(layers), 0)
    plan = place_pores(Planner(sampler, model.bank.shapes), layers, workers=2)
    assert len(plan.shape) > 80_000
    found = 0
    for first in range(0, layers, 5000):
        pick = (plan.corner[:, 0] >= first) & (plan.corner[:, 0] < first + 5000)
        room = np.zeros((5064, 96, 96), np.uint8)
        for corner, row in zip(plan.corner[pick], plan.shape[pick], strict=True):
            mask = model.bank.shapes.mask(row)
            low = corner - (first, 0, 0)
            room[tuple(slice(c, c + n) for c, n in zip(low, mask.shape, strict=True))] |= mask
        found += int(cc3d.connected_components(room, connectivity=6).max())
        assert found == int((plan.corner[:, 0] < first + 5000).sum())
