"""The public face: verbs and configurations as `poroscale.NAME`, and the table of settings."""
