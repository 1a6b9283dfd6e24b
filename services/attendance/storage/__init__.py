"""The schema `attendance`: tables, queries, and the ports of `application` kept on PostgreSQL."""
