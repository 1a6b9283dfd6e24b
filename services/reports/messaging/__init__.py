"""What reports listens to."""
