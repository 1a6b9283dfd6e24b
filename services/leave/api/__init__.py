"""Routes of leave."""
