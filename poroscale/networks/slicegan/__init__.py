"""The networks of SliceGAN: a generator of volumes, and a critic of their slices."""
