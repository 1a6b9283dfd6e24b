"""A terminal that pushes and is not there: an HTTP client, true to the protocol or wrong where asked."""

from services.ingest.vendors.zkteco.adms.simulator.faults import Faults
from services.ingest.vendors.zkteco.adms.simulator.punches import Punch, Unit
from services.ingest.vendors.zkteco.adms.simulator.terminal import PushingTerminal, pushing

__all__ = ["Faults", "Punch", "PushingTerminal", "Unit", "pushing"]
