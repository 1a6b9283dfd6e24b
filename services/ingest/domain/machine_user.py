"""Somebody whom a machine knows, as far as anybody but the machine may know it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineUser:
    """One user of a machine. Passwords, templates and photos have no place here, and get none."""

    badge: str
    """As it stands in the machine's scans."""
    uid: str | None = None
    """The machine's own number of them, where it has one beside the badge."""
    name: str = ""
    """As the machine has it: it may be cut short, and is empty where nobody has typed one."""
    is_admin: bool = False
    """May change the machine itself."""
    card: str = ""
    """The number of their card, of the first where they have several; empty where they have none."""
