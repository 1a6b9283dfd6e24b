"""The schema `ingest`."""
