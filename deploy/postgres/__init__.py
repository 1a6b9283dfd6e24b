"""A PostgreSQL of our own in a data folder: found, created, started, stopped and mended after a crash.

It listens on a Unix socket in a folder that only its user may enter, and on no network: so it needs
no password and no free port.
"""

from deploy.postgres.binaries import Binaries, find
from deploy.postgres.server import Postgres

__all__ = ["Binaries", "Postgres", "find"]
