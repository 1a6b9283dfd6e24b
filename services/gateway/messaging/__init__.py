"""What the gateway listens to, durably."""
