"""Jobs on micrographs: a set from pictures and a table, training, generation, comparison."""
