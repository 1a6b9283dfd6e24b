"""Files that people send: workbooks, read by a process that may take only so much."""
