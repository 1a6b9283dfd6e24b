"""The servers that tests run against: found where there are some, else started for this run alone."""

from tests.servers.postgres import PostgresServer, PrivatePostgres, find_postgres, quick_postgres
from tests.servers.rabbit import PrivateRabbit, RabbitServer, find_rabbit, start_private_rabbit

__all__ = [
    "PostgresServer",
    "PrivatePostgres",
    "PrivateRabbit",
    "RabbitServer",
    "find_postgres",
    "find_rabbit",
    "quick_postgres",
    "start_private_rabbit",
]
