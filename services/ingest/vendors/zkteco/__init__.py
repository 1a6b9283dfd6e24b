"""ZKTeco and the many that build on it."""
