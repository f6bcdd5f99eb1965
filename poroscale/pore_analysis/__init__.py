"""Labelling, shape, the pore table, single pores cut out for a bank."""

from poroscale.pore_analysis.columns import COLUMNS, Column
from poroscale.pore_analysis.config import ClassRules, PoresConfig
from poroscale.pore_analysis.measure import measure_pores
from poroscale.pore_analysis.table import pore_units, read_pores, scan_pores

__all__ = [
    "COLUMNS",
    "ClassRules",
    "Column",
    "PoresConfig",
    "measure_pores",
    "pore_units",
    "read_pores",
    "scan_pores",
]
