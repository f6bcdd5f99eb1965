"""Where a job runs, and what is seen of it."""
