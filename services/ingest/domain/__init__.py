"""Pure: what a machine, a reading and a scan are. Values in, values out."""
