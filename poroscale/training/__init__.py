"""Networks trained from volumes: patches, checkpoints, cards."""
