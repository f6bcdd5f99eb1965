"""Plots and pages, from tables and volumes."""

from poroscale.report.batch import write_batch
from poroscale.report.page import write_report

__all__ = ["write_batch", "write_report"]
