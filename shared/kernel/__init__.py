"""Clock, identifiers and the five error categories. No third-party imports."""
