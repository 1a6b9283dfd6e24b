"""Files that people send and are sent: workbooks, read by a process that may take only so much, and cells of CSV."""
