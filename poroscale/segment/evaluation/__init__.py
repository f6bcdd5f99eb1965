"""Scores against known pores."""
