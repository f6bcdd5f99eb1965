"""Local surfaces and partial volumes: the default way from grey values to phases."""
