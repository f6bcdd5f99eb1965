"""Sets of noise, in which every pixel counts: the most that a comparison can find."""

import numpy as np

from poroscale.engine import volume_from_array
from poroscale.micrographs.dataset import IMAGES, MicrographSet, MicrographSettings
from poroscale.volume import VolumeSpec


def noise_set(folder, settings, *, images, edge, dtype=np.uint8):
    """Square images of noise, so many for each value of a condition `rate`."""
    count, top = settings * images, int(np.iinfo(dtype).max)
    pixels = np.random.default_rng(settings).integers(0, top, (count, edge, edge), dtype, True)
    about = {"kind": "micrographs"}
    spec = VolumeSpec(pixels.shape, pixels.dtype, (1.0, 1.0, 1.0), attributes=about)
    volume_from_array(pixels, folder / IMAGES, spec=spec)
    names = np.array([f"{number:04}" for number in range(count)])
    rows = {
        "image": names,
        "specimen": names,
        "height": np.full(count, edge),
        "width": np.full(count, edge),
        "pixel_um": np.full(count, np.nan),
        "group": np.arange(count),
        "rate": np.repeat(np.arange(float(settings)), images),
    }
    bits = 8 * pixels.dtype.itemsize
    return MicrographSet.save(
        folder, MicrographSettings(bits=bits, pixel_um=None, levels=(0, top)), rows
    )
