"""Labelling, shape, the pore table, single pores cut out for a bank."""
