"""Attendance: scans become days, for people, at sites, by settings."""
