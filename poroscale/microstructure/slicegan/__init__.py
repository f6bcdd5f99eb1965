"""SliceGAN: volumes of any size from a generator that was trained against slices of images."""
