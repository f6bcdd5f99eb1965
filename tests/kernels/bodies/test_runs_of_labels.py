import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation, generate_binary_structure

from poroscale.kernels.bodies.runs_of_labels import runs_of_labels, silhouette, skin_runs


def random_labels(seed, shape=(5, 6, 7), labels=3):
    return np.random.default_rng(seed).integers(0, labels + 1, shape).astype(np.uint32)


def painted(runs, owners, shape, origin=(0, 0, 0)):
    out = np.zeros(shape, np.uint32)
    for (z, y, x0, x1), owner in zip(runs - np.array([*origin, origin[2]]), owners, strict=True):
        assert not out[z, y, x0:x1].any()
        out[z, y, x0:x1] = owner
    return out


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_runs_paint_the_block(seed):
    labels = random_labels(seed)
    runs, owners = runs_of_labels(labels, (100, 20, 3))
    np.testing.assert_array_equal(painted(runs, owners, labels.shape, (100, 20, 3)), labels)


def test_runs_are_maximal():
    runs, owners = runs_of_labels(np.array([[[1, 1, 2, 2, 0, 2]]], np.uint32), (0, 0, 0))
    assert runs.tolist() == [[0, 0, 0, 2], [0, 0, 2, 4], [0, 0, 5, 6]]
    assert owners.tolist() == [1, 2, 2]


def test_runs_of_a_piece_are_those_of_its_copy():
    labels = random_labels(5, (9, 8, 40))
    piece = runs_of_labels(labels, (1, 2, 3), first=(2, 1, 4), shape=(6, 5, 33))
    copy = runs_of_labels(labels[2:8, 1:6, 4:37], (1, 2, 3))
    for found, expected in zip(piece, copy, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_shadows_are_those_of_labels_too_large_to_pack():
    runs, owners = runs_of_labels(random_labels(6), (0, 0, 0))
    far = runs + np.array([0, 1, 1, 1], np.int32) * (np.arange(len(runs)) % 2 << 29)[:, None]
    order = np.lexsort((far[:, 2], far[:, 1], owners))
    shadows = silhouette(far.astype(np.int32), owners + np.uint32(2**31))
    again = silhouette(far[order].astype(np.int32), owners[order] + np.uint32(2**31))
    np.testing.assert_array_equal(shadows[0], again[0])
    np.testing.assert_array_equal(shadows[1], again[1])
    assert (np.diff(shadows[1].astype(np.int64)) >= 0).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_silhouettes_of_parts_unite_to_that_of_the_whole(seed, cut):
    labels = random_labels(seed, labels=2)
    parts = [
        silhouette(*runs_of_labels(labels[low:high], (low, 0, 0)))
        for low, high in ((0, cut), (cut, len(labels)))
    ]
    runs, owners = silhouette(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    for one in (1, 2):
        shadow = painted(runs[owners == one], owners[owners == one], (1, *labels.shape[1:]))
        np.testing.assert_array_equal(shadow[0] == one, (labels == one).any(axis=0))
    assert (runs[1:, 2] > runs[:-1, 3])[
        (owners[1:] == owners[:-1]) & (runs[1:, 1] == runs[:-1, 1])
    ].all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_skin_is_outside_beside_the_part(seed):
    outside = np.random.default_rng(seed).random((5, 6, 7)) < 0.6
    runs, owners = skin_runs(np.pad(outside, 1, constant_values=True), (0, 0, 0))
    expected = outside & binary_dilation(~outside, generate_binary_structure(3, 1))
    np.testing.assert_array_equal(painted(runs, owners + 1, outside.shape) > 0, expected)
    assert not owners.any()
