from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from poroscale.kernels.grey.projection import (
    filter_rows,
    project_cone,
    project_parallel,
    reconstruct_cone,
    reconstruct_parallel,
)

SIZE = 64
MIDDLE = (SIZE - 1) / 2
DISTANCE = 3.0 * SIZE


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def sphere(offset, radius):
    """Solid fraction on 3³ sub-voxels; `offset` (z, y, x) from the middle."""
    grid = np.arange(SIZE) - MIDDLE
    steps = (np.arange(3) - 1) / 3
    out = np.zeros((SIZE,) * 3, np.float32)
    for a in steps:
        for b in steps:
            for c in steps:
                z, y, x = (g + s - o for g, s, o in zip([grid] * 3, (a, b, c), offset, strict=True))
                out += z[:, None, None] ** 2 + y[:, None] ** 2 + x**2 < radius**2
    return torch.from_numpy(out / 27)


def turns(count, full):
    return torch.arange(count, dtype=torch.float64) * (full / count)


def inside(offset, radius):
    return sphere(offset, radius).numpy() > 0.999


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.2, 2.9])
def test_a_parallel_projection_of_a_sphere_is_its_chord(angle):
    offset = (2.0, 5.0, -4.0)
    rays = project_parallel(sphere(offset, 18), torch.tensor([angle]), bins=SIZE)[0].numpy()
    t = np.arange(SIZE) - MIDDLE - (offset[2] * math.cos(angle) + offset[1] * math.sin(angle))
    z = np.arange(SIZE) - MIDDLE - offset[0]
    chord = 2 * np.sqrt(np.maximum(18**2 - z[:, None] ** 2 - t**2, 0))
    deep = chord > 24
    assert np.abs(rays - chord)[deep].max() < 0.01 * 36
    assert np.abs(rays - chord)[deep].mean() < 0.003 * 36
    assert rays.sum() == pytest.approx(chord.sum(), rel=0.005)


@pytest.mark.parametrize("angle", [0.0, 2.2])
def test_a_cone_projection_of_a_sphere_is_its_chord(angle):
    offset = np.array((6.0, 5.0, -4.0))
    rays = project_cone(
        sphere(offset, 16), torch.tensor([angle]), distance=DISTANCE, rows=SIZE, bins=SIZE
    )[0].numpy()
    # The same in plain geometry: source, pixel, distance of the sphere's centre from the line.
    cos, sin = math.cos(angle), math.sin(angle)
    along = np.array([0, cos, -sin])
    across = np.array([0, sin, cos])
    v, u = np.meshgrid(np.arange(SIZE) - MIDDLE, np.arange(SIZE) - MIDDLE, indexing="ij")
    pixel = u[..., None] * across + v[..., None] * np.array([1, 0, 0])
    ray = pixel + DISTANCE * along
    ray = ray / np.linalg.norm(ray, axis=-1, keepdims=True)
    to_centre = offset + DISTANCE * along
    away = np.linalg.norm(np.cross(ray, to_centre), axis=-1)
    chord = 2 * np.sqrt(np.maximum(16**2 - away**2, 0))
    deep = chord > 16
    assert np.abs(rays - chord)[deep].max() < 0.5
    assert rays.sum() == pytest.approx(chord.sum(), rel=0.01)


def test_back_projection_returns_the_attenuation_of_a_sphere():
    offset = (0.0, 6.0, -5.0)
    angles = turns(120, math.pi)
    rays = 0.03 * project_parallel(sphere(offset, 18), angles, bins=SIZE)
    found = reconstruct_parallel(rays, angles, size=(SIZE, SIZE)).numpy()
    core = found[inside(offset, 14)]
    assert core.mean() == pytest.approx(0.03, rel=0.01)
    assert core.std() < 0.01 * 0.03
    smooth = reconstruct_parallel(rays, angles, size=(SIZE, SIZE), window="hann").numpy()
    assert smooth[inside(offset, 12)].mean() == pytest.approx(0.03, rel=0.01)


def test_fdk_returns_the_attenuation_in_and_off_the_middle_plane():
    for offset in ((0.0, 3.0, -5.0), (9.0, 3.0, -5.0)):
        angles = turns(120, 2 * math.pi)
        rays = project_cone(
            sphere(offset, 15), angles, distance=DISTANCE, rows=SIZE + 14, bins=SIZE + 10
        )
        found = reconstruct_cone(rays, angles, distance=DISTANCE, size=(SIZE,) * 3).numpy()
        core = inside(offset, 11)
        assert found[core].mean() == pytest.approx(1, rel=0.01)
        for plane in (-6, 0, 6):
            k = round(MIDDLE + offset[0] + plane)
            assert found[k][core[k]].mean() == pytest.approx(1, rel=0.02)


def test_noise_of_back_projection_is_what_theory_says():
    # Variance of a voxel: pi² / (12 angles) times that of a ray, less what interpolation smooths.
    rng = np.random.default_rng(0)
    angles = turns(90, math.pi)
    rays = torch.from_numpy(rng.standard_normal((90, 8, SIZE)).astype(np.float32))
    found = reconstruct_parallel(rays, angles, size=(SIZE, SIZE)).numpy()
    expected = math.pi / math.sqrt(12 * 90)
    assert 0.6 * expected < found[:, 16:-16, 16:-16].std() < expected


def test_the_ramp_filter_removes_the_mean_and_refuses_unknown_windows():
    rows = torch.ones((1, 1, 4096))
    assert abs(float(filter_rows(rows)[0, 0, 2048])) < 1e-3
    with pytest.raises(ValueError, match="window must be"):
        filter_rows(rows, window="cosine")


def test_a_source_inside_the_volume_is_refused():
    with pytest.raises(ValueError, match="distance must be over"):
        project_cone(torch.zeros((8, 32, 32)), torch.zeros(1), distance=20.0, rows=8, bins=32)
