"""A run in fractions: by the definitions alone, without a rounding anywhere."""
