"""Projections of a volume and their reconstruction, in parallel and in circular cone beam.

Lengths are in voxels; a detector pixel is one voxel wide where it stands, on the axis of rotation.
At the angle beta a ray of the parallel beam is known by t = x cos(beta) + y sin(beta) and runs
along s = y cos(beta) - x sin(beta); the axis stands in the middle of the slices. The source of the
cone beam lies at s = -`distance`, and its detector is flat. Everything runs in torch, on the device
of the tensor that comes in; on one thread the bytes are the same at every run.

Sources: Kak and Slaney, Principles of Computerized Tomographic Imaging (1988), chapter 3, for
filtered back-projection; Feldkamp, Davis and Kress, J. Opt. Soc. Am. A 1, 612 (1984), for FDK.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def project_parallel(volume: Tensor, angles: Tensor, *, bins: int) -> Tensor:
    """Line integrals of a volume, (nz, ny, nx) -> (angles, nz, bins), float32.

    The slices are turned by bilinear interpolation and summed along the rays in steps of a voxel.
    """
    import torch

    depth = _covering(volume)
    out = torch.empty((len(angles), volume.shape[0], bins), device=volume.device)
    for k, angle in enumerate(angles.tolist()):
        out[k] = _turned(volume, angle, depth=depth, width=bins).sum(dim=1)
    return out


def project_cone(
    volume: Tensor, angles: Tensor, *, distance: float, rows: int, bins: int
) -> Tensor:
    """Line integrals in cone beam, (nz, ny, nx) -> (angles, rows, bins), float32.

    The volume is turned, each of its planes is magnified to the detector, and the planes are
    summed; the slant of a ray makes its step longer.

    Raises
    ------
    ValueError
        If the source lies inside the volume.
    """
    import torch
    from torch.nn.functional import grid_sample

    depth = _covering(volume)
    if distance <= depth / 2:
        raise ValueError(f"distance must be over {depth / 2} voxels, got {distance}")
    width = math.ceil(bins * (1 + depth / (2 * distance))) + 1
    v, u = _centred(rows, volume), _centred(bins, volume)
    scale = (1 + _centred(depth, volume) / distance)[:, None, None]
    grid = torch.stack(
        [
            (u * scale * (2 / (width - 1))).expand(depth, rows, bins),
            (v[:, None] * scale * (2 / max(volume.shape[0] - 1, 1))).expand(depth, rows, bins),
        ],
        dim=-1,
    )
    slant = torch.sqrt(1 + (v[:, None] ** 2 + u**2) / distance**2)
    out = torch.empty((len(angles), rows, bins), device=volume.device)
    for k, angle in enumerate(angles.tolist()):
        planes = _turned(volume, angle, depth=depth, width=width).transpose(0, 1)[:, None]
        seen = grid_sample(planes, grid, padding_mode="zeros", align_corners=True)
        out[k] = seen[:, 0].sum(dim=0) * slant
    return out


def reconstruct_parallel(
    sinogram: Tensor, angles: Tensor, *, size: tuple[int, int], window: str = "ramp"
) -> Tensor:
    """Filtered back-projection over half a turn, (angles, nz, bins) -> (nz, *size).

    Parameters
    ----------
    sinogram : Tensor of float32
        Line integrals.
    angles : Tensor
        Even steps over pi, in radians.
    size : (int, int)
        Voxels of a slice along y and x.
    window : "ramp" or "hann"
        The Hann window trades sharpness for less noise.

    Returns
    -------
    Tensor of float32
        Attenuation per voxel.
    """
    import torch
    from torch.nn.functional import grid_sample

    filtered = filter_rows(sinogram, window=window)
    y, x = _centred(size[0], sinogram)[:, None], _centred(size[1], sinogram)
    out = torch.zeros((sinogram.shape[1], *size), device=sinogram.device)
    grid = torch.zeros((1, *size, 2), device=sinogram.device)
    for k, angle in enumerate(angles.tolist()):
        grid[0, ..., 0] = (x * math.cos(angle) + y * math.sin(angle)) * (
            2 / (sinogram.shape[2] - 1)
        )
        out += grid_sample(
            filtered[k][None, :, None], grid, padding_mode="zeros", align_corners=True
        )[0]
    return out * (math.pi / len(angles))


def reconstruct_cone(
    projections: Tensor,
    angles: Tensor,
    *,
    distance: float,
    size: tuple[int, int, int],
    window: str = "ramp",
) -> Tensor:
    """FDK over a full turn, (angles, rows, bins) -> `size`; arguments as for the parallel beam.

    Exact in the plane of the source, close to it elsewhere.
    """
    import torch
    from torch.nn.functional import grid_sample

    v, u = _centred(projections.shape[1], projections), _centred(projections.shape[2], projections)
    weight = distance / torch.sqrt(distance**2 + v[:, None] ** 2 + u**2)
    filtered = filter_rows(projections * weight, window=window)
    y, x = _centred(size[1], projections)[:, None], _centred(size[2], projections)
    z = _centred(size[0], projections)[:, None]
    out = torch.zeros((size[0], size[1] * size[2]), device=projections.device)
    grid = torch.empty((1, size[0], size[1] * size[2], 2), device=projections.device)
    for k, angle in enumerate(angles.tolist()):
        scale = (distance / (distance + y * math.cos(angle) - x * math.sin(angle))).ravel()
        t = (x * math.cos(angle) + y * math.sin(angle)).ravel()
        grid[0, ..., 0] = t * scale * (2 / (projections.shape[2] - 1))
        grid[0, ..., 1] = z * scale * (2 / max(projections.shape[1] - 1, 1))
        seen = grid_sample(filtered[k][None, None], grid, padding_mode="zeros", align_corners=True)
        out += seen[0, 0] * scale**2
    return (out * (math.pi / len(angles))).reshape(size)


def filter_rows(rows: Tensor, *, window: str = "ramp") -> Tensor:
    """Ramp-filter the last axis (Kak and Slaney, equation 61), padded against wrap-around.

    Raises
    ------
    ValueError
        If the window is neither "ramp" nor "hann".
    """
    import torch

    if window not in ("ramp", "hann"):
        raise ValueError(f'window must be "ramp" or "hann", got {window!r}')
    bins = rows.shape[-1]
    length = 1 << (2 * bins - 1).bit_length()
    n = torch.fft.fftfreq(length, 1 / length, dtype=torch.float64)
    odd = n.abs() % 2 == 1
    kernel = torch.where(odd, -1 / (math.pi * torch.where(odd, n, 1.0)) ** 2, 0.0)
    kernel[0] = 0.25
    response = torch.fft.rfft(kernel).real
    if window == "hann":
        response *= 0.5 * (1 + torch.cos(math.pi * torch.linspace(0, 1, len(response))))
    response = response.to(device=rows.device, dtype=torch.float32)
    out = torch.empty_like(rows)
    for k in range(len(rows)):
        spectrum = torch.fft.rfft(rows[k], n=length)
        out[k] = torch.fft.irfft(spectrum * response, n=length)[..., :bins]
    return out


def _centred(count: int, like: Tensor) -> Tensor:
    import torch

    return torch.arange(count, device=like.device, dtype=torch.float32) - (count - 1) / 2


def _covering(volume: Tensor) -> int:
    # Rays long enough for the corners of a slice, at any angle.
    return math.ceil(math.hypot(volume.shape[1], volume.shape[2])) + 1


def _turned(volume: Tensor, angle: float, *, depth: int, width: int) -> Tensor:
    """The volume in the frame of the rays, (nz, depth along s, width along t)."""
    import torch
    from torch.nn.functional import grid_sample

    s, t = _centred(depth, volume)[:, None], _centred(width, volume)
    grid = torch.empty((1, depth, width, 2), device=volume.device)
    grid[0, ..., 0] = (t * math.cos(angle) - s * math.sin(angle)) * (2 / (volume.shape[2] - 1))
    grid[0, ..., 1] = (t * math.sin(angle) + s * math.cos(angle)) * (2 / (volume.shape[1] - 1))
    return grid_sample(volume[None], grid, padding_mode="zeros", align_corners=True)[0]
