"""Transport through a volume: settings, one module for each property, and the verb."""
