"""A ZKTeco terminal that is not there: to try Muster without one, and to test it against one that misbehaves."""

from services.ingest.vendors.zkteco.simulator.device import Device
from services.ingest.vendors.zkteco.simulator.encoding import Entry, User
from services.ingest.vendors.zkteco.simulator.faults import Faults
from services.ingest.vendors.zkteco.simulator.server import Running, simulator

__all__ = ["Device", "Entry", "Faults", "Running", "User", "simulator"]
