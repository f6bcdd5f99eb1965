"""Writers: a volume or a table in a format that other programs open."""
