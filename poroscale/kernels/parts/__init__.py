"""Kernels that place pores in a part and draw them."""
