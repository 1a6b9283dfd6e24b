"""The drivers. A new vendor adds its folder and one line here."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from services.ingest.application.bookmarks import Bookmarks
from services.ingest.application.commanding import Commanding
from services.ingest.application.drivers import Driver
from services.ingest.application.pushing import Pushing
from services.ingest.vendors.discovery import installed
from services.ingest.vendors.generic.driver import Generic
from services.ingest.vendors.hikvision.driver import Hikvision
from services.ingest.vendors.hikvision.routes import hikvision_router
from services.ingest.vendors.http.driver import Http
from services.ingest.vendors.http.routes import http_router
from services.ingest.vendors.simulated.driver import Simulated
from services.ingest.vendors.suprema.driver import Suprema
from services.ingest.vendors.zkteco.adms.routes import iclock_router
from services.ingest.vendors.zkteco.driver import Zkteco
from shared.kernel.clock import Clock


def drivers(clock: Clock) -> Mapping[str, Driver]:
    """Every machine type with its driver: ours, then those of installed packages."""
    listed: tuple[Driver, ...] = (
        Simulated(clock),
        Zkteco(clock),
        Suprema(clock),
        Hikvision(clock),
        Generic(clock),
        Http(clock),
    )
    own = {driver.kind: driver for driver in listed}
    return own | {driver.kind: driver for driver in installed(clock, taken=list(own))}


def push_routers(pushing: Pushing, commanding: Commanding, bookmarks: Bookmarks, clock: Clock) -> Sequence[APIRouter]:
    """Where machines call that push: a line for each way of calling."""
    return (
        iclock_router(pushing, commanding, bookmarks, clock),
        hikvision_router(pushing, clock),
        http_router(pushing, clock),
    )
