"""Places where a job runs, and its progress."""
