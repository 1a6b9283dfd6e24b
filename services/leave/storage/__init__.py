"""The schema `leave`."""
