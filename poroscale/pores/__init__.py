"""Labelling, shape, the pore table, single pores cut out for a bank."""

from poroscale.pores.columns import COLUMNS, Column
from poroscale.pores.config import ClassRules, PoresConfig
from poroscale.pores.measure import measure_pores

__all__ = ["COLUMNS", "ClassRules", "Column", "PoresConfig", "measure_pores"]
