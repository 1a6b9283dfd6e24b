"""Readers that publish to an MQTT broker, where we subscribe."""
