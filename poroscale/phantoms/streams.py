"""One stream of random numbers for each use, so that no use disturbs another."""

SURFACE = 1
GRAINS = 2
PORES = 3
GREY_NOISE = 4
RINGS = 5
PHOTONS = 6
