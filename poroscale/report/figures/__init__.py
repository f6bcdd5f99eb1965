"""The figures of a report: tables and sums in, matplotlib figures out.

Every function returns a `Figure`, or None where the table holds nothing to draw.
"""
