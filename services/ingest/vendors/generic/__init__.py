"""Machines of any make that send records over TCP or UDP: what they say and how is configuration."""
