"""Denoising of the background of a micrograph: precipitates keep every grey value.

The paper proposes it, because a blanket of noise is what a generator wastes most on (section 4.2).
The smooth image is made by total variation. Where it stands out of its own background, the original
is kept, with a rim around it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WEIGHT = 1.0
"""Weight of the total variation, in standard deviations of the noise."""
BACKGROUND = 6.25
"""Standard deviation of the Gaussian that smooths the background, a median of 36² [pixels]."""
STANDS_OUT = 2.0
"""Deviations of the noise by which the smooth image stands out where the original is kept."""
RIM = 2
"""Rim around it [pixels]."""


def white_noise_of(image: NDArray[np.float64]) -> float:
    """Standard deviation of the white noise of an image (y, x): what second differences show.

    They are blind to slopes, and their median to edges (Immerkaer 1996, with a median).
    """
    from scipy.ndimage import convolve

    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float64)
    return float(np.median(np.abs(convolve(image, mask, mode="reflect")))) / (6 * 0.6745)


def background_level(smooth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Level of the background at each pixel of a smooth image (y, x).

    The median takes one of 4² pixels, nine of them along either axis.
    """
    from scipy.ndimage import gaussian_filter, median_filter

    coarse = median_filter(smooth[::4, ::4], 9, mode="reflect")
    level = np.repeat(np.repeat(coarse, 4, axis=0), 4, axis=1)[: smooth.shape[0], : smooth.shape[1]]
    return np.asarray(gaussian_filter(level, BACKGROUND, mode="nearest"))


def denoised_background(image: NDArray[Any]) -> NDArray[Any]:
    """An image (y, x) of any integer type, its background without noise; the same type and shape.

    The means of the background stay as they are, to within a rounding.
    """
    from scipy.ndimage import binary_dilation
    from skimage.restoration import denoise_tv_chambolle

    grey = image.astype(np.float64)
    noise = white_noise_of(grey)
    if noise == 0:
        return image.copy()
    smooth = np.asarray(denoise_tv_chambolle(grey / noise, weight=WEIGHT)) * noise
    stands_out = np.abs(smooth - background_level(smooth)) > STANDS_OUT * noise
    kept = binary_dilation(stands_out, iterations=RIM)
    # Total variation lowers what stands out: the background gets back what that spread over it.
    smooth += (grey - smooth)[~kept].mean() if (~kept).any() else 0.0
    found = np.where(kept, grey, smooth)
    limits = np.iinfo(image.dtype)
    return np.clip(np.rint(found), limits.min, limits.max).astype(image.dtype)
