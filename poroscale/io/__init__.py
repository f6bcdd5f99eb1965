"""Other formats in and out, in chunks.

`opening.open_source` makes a `Source` of any file: an object that knows its shape, dtype and voxel
size from the header and reads any box. `ingest.ingest` turns it into a volume, `export.export`
writes volumes and tables for other programs.

| format | in | out | voxel size from |
|---|---|---|---|
| folder of TIFF slices | yes | yes | ImageJ or OME description, resolution tags, SkyScan log |
| TIFF, BigTIFF, ImageJ stack, OME-TIFF | yes | yes | the same |
| RGB TIFF, pores coloured over the scan | - | yes | - |
| PNG, JPEG, BMP slices | yes | - | SkyScan log |
| RAW with .mhd, .nhdr, .vgi, .json, or by name | yes | with .mhd | side-car or name |
| MetaImage, one file or several | yes | yes | ElementSpacing in DistanceUnits (mm without) |
| NRRD, one file or several | yes | - | spacings or space directions, with their units |
| NIfTI (needs nibabel) | yes | - | pixdim and xyzt_units |
| HDF5, NeXus, netCDF-4 | yes | - | attributes, axes or fields with units |
| VTKHDF ImageData | yes | yes | Spacing, in um where we wrote it |
| NumPy .npy, .npz | yes | .npy | - |
| Zarr v2 and v3, OME-Zarr 0.1 to 0.5, .zarr.zip | yes | (the volume itself) | scale of the axes |
| PyHST .vol with .vol.info | yes | - | voxelSize [um] |
| DICOM series (needs pydicom) | yes | - | PixelSpacing and the places of the slices [mm] |
| Xradia .txm (needs olefile) | yes | - | PixelSize [um] |
| height maps .opd, .al3d | `height_map.py` | - | pixel size |
| Parquet table | - | CSV, Parquet | - |
"""
