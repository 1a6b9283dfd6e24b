"""Hikvision access terminals, by ISAPI: their log by search, their events by an endless stream. See PROTOCOLS §4."""
