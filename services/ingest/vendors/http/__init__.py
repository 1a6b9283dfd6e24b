"""Any other system that sends scans as JSON over HTTP."""
