"""Machines and their scans: from the device to the bus, with nothing lost."""
