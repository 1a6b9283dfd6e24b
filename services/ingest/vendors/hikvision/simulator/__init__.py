"""A Hikvision terminal that is not there: to try Muster without one, and to test it against one that misbehaves."""

from services.ingest.vendors.hikvision.simulator.device import Device, Entry, Person
from services.ingest.vendors.hikvision.simulator.faults import Faults
from services.ingest.vendors.hikvision.simulator.server import Running, simulator

__all__ = ["Device", "Entry", "Faults", "Person", "Running", "simulator"]
