"""Whether a Docker daemon answers, asked quickly: the client by itself waits for a minute."""

import os
import socket
from urllib.parse import urlsplit


def docker_answers() -> bool:
    """True when containers could be started here."""
    where = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    try:
        if where.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(where.path)
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b"200" in connection.recv(64)
        with socket.create_connection((where.hostname or "localhost", where.port or 2375), 1):
            return True
    except OSError:
        return False
