"""What a scan, a window and a day are: pure, values in and values out."""
