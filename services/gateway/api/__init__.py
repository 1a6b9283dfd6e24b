"""The gateway's own routes, the gate before all of them, and the way to the services behind."""
