"""What leave listens to."""
