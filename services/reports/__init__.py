"""Reports: facts and rollups, runs, schedules, deliveries."""
