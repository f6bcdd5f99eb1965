"""The published network of SWNN stated again, layer by layer, from the authors' names."""

import numpy as np
import torch
from torch.nn import functional

EPSILON = 1e-5
SLOPE = 1e-2


def random_weights(depth=8, width=24, noise=3, dimensions=3, seed=0):
    """Arrays with the names of the authors' state dictionary."""
    rng = np.random.default_rng(seed)
    window, arrays = [3] * dimensions, {}
    before = noise
    for i in range(1, depth + 1):
        weight = rng.normal(0, np.sqrt(2 / (before * 3**dimensions)), (width, before, *window))
        arrays[f"cb{i}_1.conv.weight"] = weight.astype(np.float32)
        arrays[f"cb{i}_1.conv.bias"] = rng.normal(0, 0.1, width).astype(np.float32)
        if i > 1:
            arrays[f"cb{i}_1.bn.weight"] = rng.uniform(0.5, 1.5, width).astype(np.float32)
            arrays[f"cb{i}_1.bn.bias"] = rng.normal(0, 0.2, width).astype(np.float32)
            arrays[f"cb{i}_1.bn.running_mean"] = rng.normal(0, 0.2, width).astype(np.float32)
            arrays[f"cb{i}_1.bn.running_var"] = rng.uniform(0.5, 2, width).astype(np.float32)
            arrays[f"cb{i}_1.bn.num_batches_tracked"] = np.array(7)
        before = width
    last = rng.normal(0, np.sqrt(1 / width), (1, width, *[1] * dimensions))
    arrays["last_conv.weight"] = last.astype(np.float32)
    arrays["last_conv.bias"] = rng.normal(0, 0.1, 1).astype(np.float32)
    return arrays


def published_field(arrays, noise, dtype=torch.float32):
    """The field of the whole noise (channels, ...): nothing folded, nothing cut to tiles."""
    values = torch.from_numpy(np.ascontiguousarray(noise)).to(dtype)[None]
    w = {name: torch.from_numpy(np.array(value)).to(dtype) for name, value in arrays.items()}
    convolve = functional.conv3d if noise.ndim == 4 else functional.conv2d
    layer = 1
    with torch.inference_mode():
        while (name := f"cb{layer}_1") + ".conv.weight" in w:
            values = convolve(values, w[f"{name}.conv.weight"], w[f"{name}.conv.bias"])
            if layer > 1:
                axes = [1, -1, *[1] * (noise.ndim - 1)]
                mean, variance, scale, shift = (
                    w[f"{name}.bn.{part}"].reshape(axes)
                    for part in ("running_mean", "running_var", "weight", "bias")
                )
                values = (values - mean) / torch.sqrt(variance + EPSILON) * scale + shift
            values = torch.where(values > 0, values, SLOPE * values)
            layer += 1
        return convolve(values, w["last_conv.weight"], w["last_conv.bias"])[0, 0].numpy()
