"""Drivers that others made: installed beside Muster, or in a folder of somebody's own."""

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from services.ingest.application.drivers import Driver
from services.ingest.domain.machine import Machine
from shared.kernel.clock import Clock
from shared.kernel.errors import Malformed
from shared.observability.logs import get_logger

GROUP: Final = "muster.drivers"
"""The entry points: each names a class that takes a clock and is a `Driver`."""

log = get_logger(__name__)


def installed(clock: Clock, *, taken: Sequence[str], found: Sequence[EntryPoint] | None = None) -> Iterator[Driver]:
    """The drivers of other packages. One that cannot be loaded, or whose kind is taken, is told of and left out.

    `found` None looks among all that is installed.
    """
    kinds = set(taken)
    for entry in entry_points(group=GROUP) if found is None else found:
        try:
            driver = _made(entry.load(), clock)
        except Exception:
            # Whatever is wrong in somebody else's package, our own machines go on.
            log.exception("driver.cannot_be_loaded", entry_point=entry.value)
            continue
        if driver.kind in kinds:
            log.error("driver.kind_is_taken", entry_point=entry.value, machine_type=driver.kind)
            continue
        kinds.add(driver.kind)
        log.info("driver.installed", entry_point=entry.value, machine_type=driver.kind)
        yield driver


def _made(loaded: type[Any], clock: Clock) -> Driver:
    """A driver of this class, which cannot disturb other machines by failing when it is asked about one.

    Raises:
        TypeError: the class is no driver.
    """
    driver: Driver = _guarded(loaded)(clock)
    kind: object = driver.kind
    capabilities: object = driver.capabilities
    if not isinstance(kind, str) or not isinstance(capabilities, frozenset | set):
        raise TypeError(f"{loaded!r} has no kind that is text, or no set of capabilities")
    for name in ("lacks", "validated", "probe"):
        if not callable(getattr(driver, name, None)):
            raise TypeError(f"{loaded!r} has no {name}")
    frozenset(driver.secrets)
    return driver


def _guarded(loaded: type[Any]) -> type[Any]:
    """The class, with the questions that are asked of every machine all the time answered even where it fails."""

    def guarded(name: str, otherwise: Any) -> Callable[..., Any]:
        own = getattr(loaded, name)

        def asked(self: Any, machine: Machine) -> Any:
            try:
                return own(self, machine)
            except Exception:
                log.exception("driver.failed", machine=machine.machine_id, asked=name)
                return otherwise

        return asked

    answers = {
        "lacks": "its driver fails; the log of ingest has the details",
        "goes_out": False,
        "pushes": False,
        "key": "",
    }
    there = {name: guarded(name, otherwise) for name, otherwise in answers.items() if hasattr(loaded, name)}
    return type(loaded.__name__, (loaded,), there)


def in_folder(folder: Path, clock: Clock) -> Driver:
    """The driver of a folder that is no part of Muster: the one class in its `driver.py` that has a kind.

    Raises:
        Malformed: there is none, or more than one, or it cannot be imported.
    """
    folder = folder.resolve()
    if not (folder / "driver.py").is_file():
        raise Malformed(f"{folder} is no driver: it has no driver.py")
    root, package = _package_of(folder)
    sys.path.insert(0, str(root))
    try:
        module = importlib.import_module(f"{package}.driver")
    except Exception as error:
        raise Malformed(f"{folder / 'driver.py'} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(root))
    if Path(module.__file__ or "").resolve().parent != folder:
        raise Malformed(f"{package} is the name of another package, which hides {folder}; name the folder differently")
    classes = list(_drivers_in(module))
    if len(classes) != 1:
        names = ", ".join(each.__name__ for each in classes) or "none"
        raise Malformed(f"{folder / 'driver.py'} is to have one class with a kind and capabilities; it has {names}")
    driver: Driver = classes[0](clock)
    return driver


def _package_of(folder: Path) -> tuple[Path, str]:
    """The folder to import from, and the name: that of the outermost package, so that its own imports work."""
    root, names = folder.parent, [folder.name]
    while (root / "__init__.py").is_file():
        root, names = root.parent, [root.name, *names]
    return root, ".".join(names)


def _drivers_in(module: ModuleType) -> Iterator[type[Any]]:
    for each in vars(module).values():
        if isinstance(each, type) and each.__module__ == module.__name__ and {"kind", "capabilities"} <= set(dir(each)):
            yield each
