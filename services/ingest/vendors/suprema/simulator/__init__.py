"""A BioStar 2 server that is not there: to try Muster without one, and to test it against one that misbehaves."""

from services.ingest.vendors.suprema.simulator.faults import Faults
from services.ingest.vendors.suprema.simulator.server import Running, simulator
from services.ingest.vendors.suprema.simulator.store import Person, Row, Store

__all__ = ["Faults", "Person", "Row", "Running", "Store", "simulator"]
