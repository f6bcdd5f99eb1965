"""One block in memory: numpy, scipy, numba and torch. No dask, no zarr, no xarray."""
