"""Description of what made an output, as JSON: kernel and version, parameters, inputs.

Block shape, workers and memory are left out, because they cannot change a byte. Times and paths
are left out, too. Floating-point work adds the class of hardware and the libraries, which can.
"""

from __future__ import annotations

import binascii
import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poroscale.identity import identity_of
from poroscale.manifest import canonical_json
from poroscale.volume import FieldSampler, Volume, VolumeSpec


def recipe_of(
    verb: str,
    kernel: Callable[..., Any],
    *,
    parameters: Mapping[str, Any],
    inputs: Sequence[Volume | FieldSampler] = (),
    spec: VolumeSpec | None = None,
) -> dict[str, Any]:
    """The recipe of one verb's output, a JSON value.

    Parameters
    ----------
    verb
        Name of the verb.
    kernel
        Function that runs on the blocks; see `kernel_name`.
    parameters
        JSON, numpy scalars or arrays that the kernel is called with.
    inputs
        Volumes that are read; they enter by the digest of their content.
    spec
        The volume that is made.
    """
    recipe: dict[str, Any] = {
        "verb": verb,
        "kernel": kernel_name(kernel),
        "parameters": plain(parameters),
        "inputs": [input_identity(volume) for volume in inputs],
    }
    if spec is not None:
        recipe["volume"] = plain(
            {
                "shape": spec.shape,
                "dtype": spec.dtype.str,
                "voxel_size": spec.voxel_size,
                "origin": spec.origin,
                "chunks": spec.chunks,
                "attributes": spec.attributes,
                "pyramid": spec.pyramid,
            }
        )
        if spec.dtype.kind == "f":
            recipe["numerics"] = numerics()
    return recipe


def numerics() -> dict[str, str]:
    """Class of hardware and the libraries on which the last bits of floats depend."""
    import scipy

    return {"machine": platform.machine(), "numpy": np.__version__, "scipy": scipy.__version__}


def kernel_name(kernel: Callable[..., Any]) -> Any:
    """Name and version of a kernel as it declares them; a user's function is named by its code.

    Raises
    ------
    TypeError
        If a function of this package declares no name: its place in the code is none, for it may
        move.
    """
    if isinstance(kernel, partial):
        inner = kernel_name(kernel.func)
        return {"partial": inner, "args": plain(kernel.args), "kwargs": plain(kernel.keywords)}
    function = kernel if hasattr(kernel, "__qualname__") else type(kernel)
    if (identity := identity_of(function)) is not None:
        return identity._asdict()
    name = f"{function.__module__}.{function.__qualname__}"
    if name.startswith("poroscale."):
        raise TypeError(f"{name} must be declared as a kernel: @kernel(NAME, version=VERSION)")
    named: dict[str, Any] = {"name": name, "version": getattr(kernel, "version", 1)}
    code = getattr(function, "__code__", None)
    if code is not None:
        named["code"] = _code_digest(code)
    return named


def _code_digest(code: Any) -> str:
    constants = [
        _code_digest(value) if hasattr(value, "co_code") else repr(value)
        for value in code.co_consts
    ]
    return hashlib.sha256(repr((code.co_code, code.co_names, constants)).encode()).hexdigest()[:16]


def input_identity(volume: Volume | FieldSampler) -> Any:
    """Digest of a volume's content, or the fields of a sampler."""
    if not isinstance(volume, Volume):
        fields = {name: plain(value) for name, value in vars(volume).items()}
        return {"sampler": kernel_name(type(volume)), **fields}
    return volume.digest if volume.level == 0 else [volume.digest, volume.level]


def plain(value: Any) -> Any:  # noqa: PLR0911
    """`value` as JSON: tuples become lists, arrays their digest, floats that are no number text."""
    match value:
        case Volume():
            return input_identity(value)
        case np.ndarray():
            return {"array": _digest_of_array(value)}
        case np.generic():
            return plain(value.item())
        case Mapping():
            return {str(key): plain(entry) for key, entry in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(entry) for entry in value]
        case float() if np.isnan(value) or value in (float("inf"), float("-inf")):
            return str(value)
        case bool() | int() | float() | str() | None:
            return value
        case np.dtype():
            return value.str
    if callable(value):
        return kernel_name(value)
    raise TypeError(f"a parameter must be JSON, an array or a function, got {type(value).__name__}")


def _digest_of_array(value: NDArray[Any]) -> str:
    """`digest_of([dtype, shape, voxels in hex])`, without spelling a long text out again."""
    start = canonical_json([value.dtype.str, value.shape])[:-1]
    digest = hashlib.sha256(f'{start},"'.encode())
    digest.update(binascii.hexlify(value.tobytes()))
    digest.update(b'"]')
    return digest.hexdigest()
