"""What the gateway does: use cases, and the ports that they need."""
