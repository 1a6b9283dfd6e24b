"""What reports does, and what it needs for that."""
