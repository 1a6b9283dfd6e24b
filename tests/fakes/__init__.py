"""Fakes that keep the promises of ports, in memory."""
