"""What leave does, and what it needs for that."""
