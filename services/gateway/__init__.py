"""The gateway: who may come in, where a request goes, and what is shown as it happens."""
