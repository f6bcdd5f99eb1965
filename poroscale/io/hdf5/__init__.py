"""The reader of HDF5, NeXus and netCDF-4 files."""
