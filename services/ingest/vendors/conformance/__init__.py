"""What every driver promises, checked: ours in each run of the tests, anyone's by `muster driver check`."""

from services.ingest.vendors.conformance.checking import Finding, check
from services.ingest.vendors.conformance.quality import RULES, TIERS, tier_of

__all__ = ["RULES", "TIERS", "Finding", "check", "tier_of"]
