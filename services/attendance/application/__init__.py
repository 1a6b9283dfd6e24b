"""What attendance does: use cases, one transaction each, and the ports that they need."""
