"""The kernels beside matrices that are written down voxel by voxel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from poroscale.kernels.conduction.aggregates import (
    aggregates_of_graph,
    aggregates_of_lattice,
    graph_of_graph,
    graph_of_lattice,
)
from poroscale.kernels.conduction.numbering import number_carrying, with_margin
from poroscale.kernels.conduction.operator import (
    BOTH,
    flow_into,
    inverse_diagonal,
    lattice_current,
    lattice_energy,
    pair_table,
    restrict_swept,
    sweep_down,
    sweep_up,
)
from poroscale.kernels.conduction.sweeps import (
    add_of_groups,
    restrict_swept_graph,
    subtract_flow,
    sweep_graph_down,
    sweep_graph_up,
)

TABLE = np.array([0.0, 1.0, 0.125])
WEIGHTS = (1.0, 4.0, 0.25)
ONE_KIND = np.zeros(3, np.uint8)


@st.composite
def lattices(draw):
    """Numbers, codes, pairs and count of a small lattice that carries current."""
    shape = draw(st.tuples(st.integers(2, 6), st.integers(1, 5), st.integers(1, 5)))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    solid = draw(st.sampled_from([0.0, 0.2, 0.5]))
    inner = rng.choice(3, shape, p=[solid, 0.6 * (1 - solid), 0.4 * (1 - solid)])
    inner[:, 0, 0] = 1  # a way through
    periodic = draw(st.booleans())
    codes = with_margin(inner.astype(np.uint8), periodic=periodic)
    numbers, count = number_carrying(codes, periodic=periodic)
    return (numbers, codes, pair_table(TABLE, WEIGHTS)), count, periodic


def links_of(lattice, periodic):
    """Voxel, neighbour and conductance of each face, once; -1 and -2 for the driven faces."""
    numbers, codes, _ = (np.asarray(each) for each in lattice)
    inner, shape = codes[1:-1, 1:-1, 1:-1], [n - 2 for n in codes.shape]
    found = []
    for at in zip(*np.nonzero(inner), strict=True):
        own = int(numbers[at[0] + 1, at[1] + 1, at[2] + 1])
        k = TABLE[inner[at]]
        found += [(own, -1, 2 * k)] if at[0] == 0 else []
        found += [(own, -2, 2 * k)] if at[0] == shape[0] - 1 else []
        for axis in range(3):
            other = list(at)
            other[axis] += 1
            if other[axis] == shape[axis]:
                if axis == 0 or not periodic or shape[axis] == 1:
                    continue
                other[axis] = 0
            if inner[tuple(other)]:
                z, y, x = (n + 1 for n in other)
                h = TABLE[inner[tuple(other)]]
                found.append((own, int(numbers[z, y, x]), WEIGHTS[axis] * 2 * k * h / (k + h)))
    return found


def matrix_of(links, count):
    """The operator, and the current from the first face."""
    matrix, right = np.zeros((count, count)), np.zeros(count)
    for i, j, g in links:
        matrix[i, i] += g
        if j >= 0:
            matrix[j, j] += g
            matrix[i, j] -= g
            matrix[j, i] -= g
        elif j == -1:
            right[i] += g
    return matrix, right


def vector(count, seed):
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


def near(expected):
    return pytest.approx(np.asarray(expected), rel=1e-4, abs=1e-4)


@given(lattices())
def test_products_energy_and_current_are_those_of_the_matrix(made):
    lattice, count, periodic = made
    links = links_of(lattice, periodic)
    matrix, right = matrix_of(links, count)
    values, out = vector(count, 1), np.empty(count, np.float32)
    product = flow_into(*lattice, values, np.float32(1), out, BOTH)
    assert out == near(right - matrix @ values)
    assert product == near(values @ (right - matrix @ values))
    first = sum(g for _, j, g in links if j == -1)
    energy = values @ matrix @ values - 2 * right @ values + first
    assert lattice_energy(*lattice, values, 1.0, BOTH) == near(energy)
    solution = np.linalg.solve(matrix, right)
    places = np.empty([n - 2 for n in lattice[0].shape], np.float32)
    through = lattice_current(*lattice, solution.astype(np.float32), 0, places, BOTH)
    layers = places.sum(axis=(1, 2))
    assert layers == near(np.full(len(layers), first - right @ solution))
    assert through == near(layers.sum())


@given(lattices())
def test_sweeps_solve_triangles(made):
    lattice, count, periodic = made
    matrix, _ = matrix_of(links_of(lattice, periodic), count)
    inverse, right, out = vector(count, 0), vector(count, 1), np.full(count, np.nan, np.float32)
    inverse_diagonal(*lattice, inverse, BOTH)
    assert inverse == near(1 / np.diag(matrix))
    sweep_up(*lattice, inverse, right, out)
    lower = np.linalg.solve(np.tril(matrix), right)
    assert out == near(lower)
    groups, places, _ = aggregates_of_lattice(lattice[0], lattice[1], count, ONE_KIND)
    sums = np.empty(len(places), np.float32)
    restrict_swept(*lattice, out, groups, sums)
    rest = right - matrix @ lower
    assert sums == near(np.bincount(groups, rest, len(places)))
    sweep_down(*lattice, inverse, right, out)
    assert out == near(lower + np.linalg.solve(np.triu(matrix), rest))


@given(lattices())
def test_graphs_of_aggregates_are_sums_over_them(made):
    lattice, count, periodic = made
    matrix, _ = matrix_of(links_of(lattice, periodic), count)
    groups, places, kinds = aggregates_of_lattice(lattice[0], lattice[1], count, ONE_KIND)
    graph = graph_of_lattice(*lattice, groups, len(places))
    for _ in range(3):
        member = np.zeros((count, len(places)))
        member[np.arange(count), groups] = 1
        coarse = member.T @ matrix @ member
        lines = np.repeat(np.arange(len(places)), np.diff(graph.rows))
        stored = np.diag(1 / graph.inverse.astype(float))
        stored[lines, graph.columns] = -graph.weights
        assert stored == near(coarse)
        assert graph.ground == near(coarse.sum(axis=1))
        matrix, count = coarse, len(places)
        groups, places, kinds = aggregates_of_graph(graph, places, kinds)
        graph = graph_of_graph(graph, groups, len(places))


@given(lattices())
def test_sweeps_over_graphs_solve_triangles(made):
    lattice, count, _ = made
    groups, places, kinds = aggregates_of_lattice(lattice[0], lattice[1], count, ONE_KIND)
    n = len(places)
    graph = graph_of_lattice(*lattice, groups, n)
    matrix = np.diag(1 / graph.inverse.astype(float))
    matrix[np.repeat(np.arange(n), np.diff(graph.rows)), graph.columns] = -graph.weights
    right, out = vector(n, 3), np.full(n, np.nan, np.float32)
    sweep_graph_up(*graph[:3], graph.inverse, right, out)
    lower = np.linalg.solve(np.tril(matrix), right)
    assert out == near(lower)
    further, coarse, _ = aggregates_of_graph(graph, places, kinds)
    sums = np.empty(len(coarse), np.float32)
    restrict_swept_graph(*graph[:3], out, further, sums)
    rest = right - matrix @ lower
    assert sums == near(np.bincount(further, rest, len(coarse)))
    sweep_graph_down(*graph[:3], graph.inverse, right, out)
    upper = lower + np.linalg.solve(np.triu(matrix), rest)
    assert out == near(upper)
    subtract_flow(*graph[:4], out, np.float32(2), right)
    assert right == near(vector(n, 3) - 2 * matrix @ upper)
    add_of_groups(sums, further, out)
    assert out == near(upper + sums[further])


@pytest.mark.parametrize("periodic", [False, True])
def test_only_clusters_that_join_both_faces_are_numbered(periodic):
    inner = (np.random.default_rng(3).random((9, 12, 12)) < 0.4).astype(np.uint8)
    tiled = np.tile(inner, (1, 3, 3)) if periodic else inner
    labels, _ = ndimage.label(tiled)
    both = set(labels[0].ravel()) & set(labels[-1].ravel()) - {0}
    expected = np.isin(labels, list(both))
    expected = expected[:, 12:24, 12:24] if periodic else expected
    codes = with_margin(inner, periodic=periodic)
    numbers, count = number_carrying(codes, periodic=periodic)
    carries = codes[1:-1, 1:-1, 1:-1] > 0
    assert np.array_equal(carries, expected)
    assert 0 < count < inner.sum()
    assert np.array_equal(numbers[1:-1, 1:-1, 1:-1][carries], np.arange(count))


def test_pieces_of_a_block_that_do_not_touch_are_apart():
    inner = np.zeros((4, 2, 2), np.uint8)
    inner[:, 0, 0] = inner[:, 1, 1] = 1
    codes = with_margin(inner)
    numbers, count = number_carrying(codes)
    groups, places, _ = aggregates_of_lattice(numbers, codes, count, ONE_KIND)
    assert len(places) == 4
    assert sorted(np.bincount(groups)) == [2, 2, 2, 2]


def test_kinds_are_apart():
    inner = np.ones((4, 2, 2), np.uint8)
    inner[:, 0] = 2
    codes = with_margin(inner)
    numbers, count = number_carrying(codes)
    apart = np.array([0, 0, 1], np.uint8)
    groups, places, kinds = aggregates_of_lattice(numbers, codes, count, apart)
    assert sorted(np.bincount(groups)) == [4, 4, 4, 4]
    assert kinds.tolist() == [1, 0, 1, 0]
    graph = graph_of_lattice(numbers, codes, pair_table(TABLE, WEIGHTS), groups, 4)
    further, _, kinds = aggregates_of_graph(graph, places, kinds)
    assert (further.tolist(), kinds.tolist()) == ([0, 1, 0, 1], [1, 0])
    assert aggregates_of_graph(graph, places, np.zeros(4, np.uint8))[0].tolist() == [0] * 4
