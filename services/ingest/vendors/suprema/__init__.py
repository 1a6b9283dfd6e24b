"""Suprema machines behind a BioStar 2 server: events by search, and by socket as they happen. See PROTOCOLS §3."""
