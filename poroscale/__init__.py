"""poroscale: a Dask/Zarr engine for porous 3D volumes."""

from poroscale.compiled_code import keep_compiled_code

__version__ = "0.1.0"

keep_compiled_code()
