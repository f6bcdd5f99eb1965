"""Sections through volumes, and what lies in each."""
