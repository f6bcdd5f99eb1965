"""Plots and pages, from tables and volumes."""

from poroscale.report.batch import write_batch
from poroscale.report.chosen import ReportConfig
from poroscale.report.pages.compare_page import write_comparison
from poroscale.report.pages.page import write_report

__all__ = ["ReportConfig", "write_batch", "write_comparison", "write_report"]
