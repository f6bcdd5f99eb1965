"""Pores of a part: drawn, fitted below its surface, and placed."""
