"""Plots and pages, from tables and volumes."""
