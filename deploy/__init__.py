"""How Muster is run, and the only place that knows the topology."""
