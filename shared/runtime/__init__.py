"""Running services: what a service is, how some of them share a process, and how they reach each other."""
