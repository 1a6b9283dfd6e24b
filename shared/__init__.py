"""Technical code that every service stands on. Each folder has one purpose; none knows a business word."""
