"""Logs that people carry from a machine on a stick, or out of another program: in any pieces, with bounded memory."""
