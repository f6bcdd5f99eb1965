"""The reader of TIFF files and of folders of TIFF slices."""
