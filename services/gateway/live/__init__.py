"""The live hub: what happens, sent at once to all who may see it."""
