"""The drivers. A new vendor adds its folder and one line here."""

from collections.abc import Mapping

from services.ingest.application.drivers import Driver
from services.ingest.vendors.hikvision.driver import Hikvision
from services.ingest.vendors.simulated.driver import Simulated
from services.ingest.vendors.undriven import Undriven
from services.ingest.vendors.zkteco.driver import Zkteco
from shared.kernel.clock import Clock


def drivers(clock: Clock) -> Mapping[str, Driver]:
    """Every machine type with its driver."""
    listed: tuple[Driver, ...] = (
        Simulated(clock),
        Zkteco(clock),
        Undriven("suprema"),
        Hikvision(clock),
        Undriven("generic"),
    )
    return {driver.kind: driver for driver in listed}
