"""Ingest over HTTP."""
