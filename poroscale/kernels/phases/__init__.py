"""Measures of phase codes in a block: cells of eight voxels, runs, inscribed balls."""
