"""Transport through a volume: what it conducts, and what flows through its pores."""
