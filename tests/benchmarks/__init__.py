"""Measurements: each a rate and, in the same run, its ratio to the plain operation it stands on."""
