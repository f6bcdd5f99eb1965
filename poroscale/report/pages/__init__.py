"""The pages: one scan, a batch, a comparison, an evaluation."""
