"""What attendance listens to and announces."""
