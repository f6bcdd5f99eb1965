"""poroscale: a Dask/Zarr engine for porous 3D volumes."""

__version__ = "0.1.0"
