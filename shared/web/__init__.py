"""What every HTTP API of ours has in common: callers and their scope, problems, lists, idempotency, health."""
