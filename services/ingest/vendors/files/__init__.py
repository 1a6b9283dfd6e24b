"""Logs that people carry from a machine on a stick: read as a stream, in any pieces, with bounded memory."""
