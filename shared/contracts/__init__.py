"""What travels between services: typed, versioned events and how they look on the wire."""
