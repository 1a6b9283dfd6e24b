"""One plain page, served until the console arrives."""
