"""Where a machine can be reached, as people write it. Pure."""

import re
from ipaddress import IPv6Address, ip_address
from typing import Final

LONGEST: Final = 253
"""Characters of a host name."""
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
"""With the underscore, which names in containers have and rules forbid."""


def wrong_with_address(text: str) -> str:
    """Why this is neither an IP address nor a host name, in a few words; nothing where it is one."""
    if _is_ip(text):
        return ""
    if "://" in text or "/" in text:
        return f"{text!r} is a URL: give its host alone, such as 192.168.1.20"
    if text.startswith("[") or re.fullmatch(r"[^:]*:\d+", text):
        return f"{text!r} has more than an address: the port has a field of its own, and brackets are left out"
    labels = text.removesuffix(".").split(".")
    # As in a browser: what ends in a number means to be an IP address.
    if len(text) > LONGEST or labels[-1].isdigit() or not all(_LABEL.fullmatch(label) for label in labels):
        return f"{text!r} is neither an IP address, such as 192.168.1.20, nor the name of a host, such as gate-1.local"
    return ""


def normal_address(text: str) -> str:
    """The same address as everybody writes it, so that two of them are equal where they are one place.

    Names are the same in capitals, too: whoever compares them minds that. What is no address stays as it is.
    """
    try:
        found = ip_address(text)
    except ValueError:
        return text.removesuffix(".")
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
