"""The formats: one file each, and numbers.py, which alone writes a number."""
