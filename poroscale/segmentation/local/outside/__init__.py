"""Decision on where the outside of a scan begins."""
