"""The schema `gateway`: tables, and the ports of `application` kept on PostgreSQL."""
