"""The kinds of layers, one file each: forward directly above backward."""
