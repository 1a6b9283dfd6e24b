"""The HTTP API of attendance (API.md, sections 1 and 3)."""
