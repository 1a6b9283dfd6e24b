"""What every driver promises, checked: ours in each run of the tests, anyone's by `muster driver check`."""

from services.ingest.vendors.conformance.checking import check
from services.ingest.vendors.conformance.finding import Finding
from services.ingest.vendors.conformance.quality import RULES, TIERS, tier_of
from services.ingest.vendors.conformance.users import listed_users

__all__ = ["RULES", "TIERS", "Finding", "check", "listed_users", "tier_of"]
