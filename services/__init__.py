"""The services. None imports another; `deploy` decides which of them run in a process."""
