"""A package, so that it is this one: hikvisionapi installs its own tests under the same name."""
