"""Attendance: people, scans, days."""
