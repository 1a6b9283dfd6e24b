"""A machine that is not there, at which people work plausible days."""
