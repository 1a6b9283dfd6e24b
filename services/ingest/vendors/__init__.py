"""Everything that knows a vendor: one folder each, and `table` that lists them."""
