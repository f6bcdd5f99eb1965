"""The job on an output: its lock, its journal, its recipe."""
