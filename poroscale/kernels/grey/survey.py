"""Properties of a scan from samples: the levels of air and solid, noise, and the point spread.

Voxels whose neighbourhood varies by no more than the noise lie inside one material; their
histogram has a peak for each, where that of all voxels has slopes of partial volume between.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poroscale.kernels.grey.partial_volume import Float, Mask
from poroscale.kernels.within_ball import within_ball

CUBE = 2
"""Edge of the cubes of voxels whose mean and variance are looked at."""
QUIET = 2.2
"""Times the variance of the noise up to which a cube lies inside one material."""
MEAN_BINS = 2048
ROBUST = (0.001, 0.999)
"""Quantiles between which grey values are binned, with a tenth of their distance on either side."""


class Levels2(NamedTuple):
    """Levels of a scan of two materials.

    Attributes
    ----------
    dark, bright
        Grey values of the two.
    dark_share
        Share of the quiet voxels that belong to the dark one.
    noise
        Standard deviation of a voxel [grey values].
    """

    dark: float
    bright: float
    dark_share: float
    noise: float


class Cubes(NamedTuple):
    """Means and variances of cubes of voxels, and the extremes of their voxels."""

    mean: NDArray[np.float32]
    variance: NDArray[np.float32]
    least: NDArray[np.float32]
    most: NDArray[np.float32]

    def chosen(self, which: NDArray[np.bool_]) -> Cubes:
        """Some of the cubes."""
        return Cubes(*(each[which] for each in self))

    @property
    def cut(self) -> NDArray[np.bool_]:
        """Cubes with a voxel at which grey values were cut off: an extreme that many have.

        Cubes of the least value alone are padding, or air that was masked: nothing is lost there.
        """
        cut = np.zeros(self.mean.shape, bool)
        masked = self.most == self.least.min()
        for values, end in ((self.least, self.least.min()), (self.most, self.most.max())):
            at_end = (values == end) & ~masked
            if at_end.mean() > CUT:
                cut |= at_end
        return cut


CUT = 0.02
"""Share of the cubes with a voxel at the extreme from which grey values were cut off there."""


def cubes_of(grey: NDArray[Any]) -> Cubes:
    """Of the whole cubes of a tile, float32 (n,); of squares in a single slice."""
    (a, b, c), (z, y, x) = _cubes_along(grey.shape)
    cut = grey[: z * a, : y * b, : x * c].astype(np.float32)
    stack = cut.reshape(z, a, y, b, x, c).transpose(0, 2, 4, 1, 3, 5).reshape(-1, a * b * c)
    with np.errstate(over="ignore"):  # an outlier's cube has an infinite variance: it is not quiet
        mean = stack.mean(axis=1, dtype=np.float32)
        rest = stack - mean[:, None]
        variance = (rest * rest).sum(axis=1, dtype=np.float32) / np.float32(max(1, a * b * c - 1))
    return Cubes(mean, variance, stack.min(axis=1), stack.max(axis=1))


def _cubes_along(shape: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Edges of the cubes along each axis, and how many of them there are."""
    edges = [min(CUBE, n) for n in shape]
    return edges, [n // edge for n, edge in zip(shape, edges, strict=True)]


def noise_variance(variances: NDArray[Any]) -> float:
    """The variance of cubes inside one material; 0 where nothing varies.

    It is the lowest peak of the histogram of its logarithm that has a fair share of the cubes:
    surfaces vary more, and in a finely structured scan most cubes hold one. Cubes that do not vary
    at all, as air that was cut off at 0, say nothing of the noise.
    """
    from scipy.ndimage import gaussian_filter1d

    varying = variances[(variances > 0) & np.isfinite(variances)]
    if varying.size < ENOUGH:
        return 0.0
    counts, edges = np.histogram(np.log(varying), bins=200)
    smooth = gaussian_filter1d(counts.astype(np.float64), 5.0)
    inner = smooth[1:-1]
    peaks = (inner >= smooth[:-2]) & (inner > smooth[2:]) & (inner >= FAIR * smooth.max())
    top = int(np.flatnonzero(peaks)[0]) + 1 if peaks.any() else int(np.argmax(smooth))
    return float(np.exp((edges[top] + edges[top + 1]) / 2))


FAIR = 0.4
"""Height of a peak of the variances, in units of the highest, from which it may be the noise's."""


def two_levels(cubes: Cubes, span: tuple[float, float]) -> Levels2:
    """Levels of the dark and the bright material, from the quiet cubes.

    Parameters
    ----------
    cubes
        Samples from all over the scan.
    span
        Grey values that are binned; cubes beyond them are left out.

    Raises
    ------
    ValueError
        If all quiet cubes have one grey value.
    """
    variance = noise_variance(cubes.variance[~cubes.cut])
    means = cubes.mean[cubes.variance <= max(QUIET * variance, 1e-30)]
    means = means[(means >= span[0]) & (means <= span[1])]
    dark, bright = _split(*_binned(means, span))
    spread = _spread(means[means > (dark + bright) / 2], bright)
    if bright - dark < APART * max(spread, 1e-12):
        dark, bright = _rare(means, cubes.mean)
    share = float((means <= (dark + bright) / 2).mean())
    solid = cubes.variance[cubes.mean > (dark + bright) / 2]
    if solid.size and np.count_nonzero(solid == 0) > solid.size / 2:
        variance = 0.0
    return Levels2(dark, bright, share, float(np.sqrt(variance)))


APART = 5.0
"""Spreads of the bright material by which the dark one differs at least; the two halves of one
material lie 3.4 apart."""
FAR, ENOUGH = 8.0, 12
"""Spreads from which a cube is of another material than most, and how many make one."""


def _spread(values: NDArray[Any], middle: float) -> float:
    """Robust standard deviation about a median."""
    return float(1.4826 * np.median(np.abs(values - middle))) if values.size else 0.0


def _binned(
    means: NDArray[Any], span: tuple[float, float]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    counts, edges = np.histogram(means, bins=MEAN_BINS, range=span)
    return counts, (edges[1:] + edges[:-1]) / 2


def _rare(means: NDArray[Any], everything: NDArray[Any]) -> tuple[float, float]:
    """Levels where one material holds nearly all of the scan: a dense block with few pores, or a
    small part in air. The other one is that of the quiet cubes far from the rest; where pores are
    too small for quiet cubes, that of the farthest ones.
    """
    main = float(np.median(means))
    reach = FAR * _spread(means, main)
    for found in (means, everything):
        below, above = found[found < main - reach], found[found > main + reach]
        if max(below.size, above.size) >= ENOUGH:
            if below.size >= above.size or below.size >= ENOUGH:
                return _extreme(below, main), main
            return main, _extreme(above, main)
    raise ValueError("one grey value only")


def _extreme(values: NDArray[Any], main: float) -> float:
    """Mean of the values farthest from the main level: the others may be blurred with it."""
    order = np.argsort(-np.abs(values - main), kind="stable")
    return float(values[order[:ENOUGH]].mean(dtype=np.float64))


def _split(counts: NDArray[np.int64], centres: NDArray[np.float64]) -> tuple[float, float]:
    """Medians of both sides of their own middle, from Otsu's threshold on."""
    from skimage.filters import threshold_otsu

    if np.count_nonzero(counts) < 2:
        raise ValueError("one grey value only")
    middle = float(threshold_otsu(hist=(counts, centres)))
    dark = bright = middle
    for _ in range(50):
        below = centres <= middle
        dark = _median(counts[below], centres[below])
        bright = _median(counts[~below], centres[~below])
        if (dark + bright) / 2 == middle:
            break
        middle = (dark + bright) / 2
    return dark, bright


def _median(counts: NDArray[np.int64], centres: NDArray[np.float64]) -> float:
    below = np.cumsum(counts)
    if not below.size or below[-1] == 0:
        raise ValueError("one grey value only")
    return float(centres[np.searchsorted(below, below[-1] / 2)])


class EdgeSums(NamedTuple):
    """Sums over a tile from which the point spread follows; they add up.

    Attributes
    ----------
    mixing, slope
        Sum of u (1 - u) and of the squared forward differences of u in the band of the surfaces.
    band
        Voxels of the band.
    calm_mixing, calm_slope
        Mixing and slope far from every surface: what the noise adds.
    calm
        Voxels far from every surface.
    """

    mixing: float
    slope: float
    band: int
    calm_mixing: float
    calm_slope: float
    calm: int


def edge_sums(share: Float, *, reach: float) -> EdgeSums:
    """Blur of the surfaces in a tile.

    Parameters
    ----------
    share
        Grey values with 0 at the dark and 1 at the local bright level.
    reach
        Half the width of the band around a surface [voxels].
    """
    bright: Mask = share > np.float32(0.5)
    if bright.all() or not bright.any():
        return EdgeSums(0, 0, 0, 0, 0, 0)
    here = share[:-1, :-1, :-1].astype(np.float64)
    mixing = here * (1 - here)
    slope = (share[1:, :-1, :-1] - here) ** 2
    slope += (share[:-1, 1:, :-1] - here) ** 2
    slope += (share[:-1, :-1, 1:] - here) ** 2
    band, calm = _at_surface(bright, reach), ~_at_surface(bright, reach + 1)
    # Highlights and grains are no surfaces: one of them would outweigh many.
    strange = np.abs(share - np.float32(0.5)) > np.float32(0.5 + OVERSHOOT)
    if strange.any():
        usual = ~within_ball(strange, STRANGE_REACH)[:-1, :-1, :-1]
        band, calm = band & usual, calm & usual
    return EdgeSums(
        float(mixing[band].sum()),
        float(slope[band].sum()),
        int(band.sum()),
        float(mixing[calm].sum()),
        float(slope[calm].sum()),
        int(calm.sum()),
    )


def _at_surface(bright: Mask, reach: float) -> Mask:
    """Voxels within reach of both sides, without the last of each axis."""
    near = within_ball(bright, reach) & within_ball(~bright, reach)
    return np.asarray(near[:-1, :-1, :-1])


def point_spread(sums: EdgeSums) -> float | None:
    """Standard deviation of the point spread [voxels]; None where no surface tells.

    For a plane surface blurred by a Gaussian of sigma s, u (1 - u) sums to s / sqrt(pi) and the
    squared slope to 1 / (2 s sqrt(pi)) per area: their ratio is 2 s². The forward difference
    widens the edge in the second sum to sqrt(s² + 1/20) on average over directions.
    """
    if sums.band < LEAST_BAND:
        return None
    mixing, slope = sums.mixing, sums.slope
    if sums.calm:
        mixing -= sums.band * sums.calm_mixing / sums.calm
        slope -= sums.band * sums.calm_slope / sums.calm
    if mixing <= 0 or slope <= 0:
        return SHARPEST
    ratio = mixing / slope
    return float(np.sqrt(max((np.sqrt(BOX**2 + ratio**2) - BOX) / 2, SHARPEST**2)))


LEAST_BAND = 500
OVERSHOOT, STRANGE_REACH = 0.4, 3.0
"""Distance beyond air and solid of a voxel that is left out, and the reach of its blur [voxels]."""
BOX, SHARPEST = 1 / 20, 0.3
