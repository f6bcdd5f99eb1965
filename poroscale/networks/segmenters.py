"""The ten networks of the pore-segmentation paper, by name."""

from __future__ import annotations

from collections.abc import Callable

from poroscale.networks.acc_unet import ACCUNet
from poroscale.networks.gm_vae import GMVAE
from poroscale.networks.rv_vae import RVVAE
from poroscale.networks.segmenter import Segmenter
from poroscale.networks.unet import MSSUNet, UNet
from poroscale.networks.unet_plus_plus import UNetPlusPlus
from poroscale.networks.unet_three_plus import UNetThreePlus
from poroscale.networks.vae import CEVAE, VAE
from poroscale.networks.vq_vae import VQVAE

_BUILDERS: dict[str, Callable[[float, int], Segmenter]] = {
    "unet": UNet,
    "mss-unet": MSSUNet,
    "unet++": UNetPlusPlus,
    "unet3+": UNetThreePlus,
    "acc-unet": ACCUNet,
    "vae": VAE,
    "cevae": CEVAE,
    "gmvae": GMVAE,
    "vqvae": VQVAE,
    "rvvae": RVVAE,
}
SEGMENTERS = tuple(_BUILDERS)


def build_segmenter(name: str, *, width: float = 1.0, edge: int = 64) -> Segmenter:
    """A network with fresh weights.

    Parameters
    ----------
    name
        Name of the network, from `SEGMENTERS`.
    width
        Factor of all channels; 1 is the published network.
    edge
        Edge of the patches [voxels].

    Raises
    ------
    ValueError
        If there is no such network, or it cannot have this edge or width.
    """
    if name not in _BUILDERS:
        raise ValueError(f"model must be one of {', '.join(SEGMENTERS)}, got {name!r}")
    return _BUILDERS[name](width, edge)
