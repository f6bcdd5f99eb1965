"""Readers of folders with one file for each slice."""
