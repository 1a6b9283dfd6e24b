"""A machine that is not there and speaks any profile, to try one, and to test Muster against one that misbehaves."""

from services.ingest.vendors.generic.simulator.device import Device, Entry
from services.ingest.vendors.generic.simulator.faults import Faults
from services.ingest.vendors.generic.simulator.peer import Running, simulator

__all__ = ["Device", "Entry", "Faults", "Running", "simulator"]
