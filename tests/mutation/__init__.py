"""Mutation testing on demand: changes the arithmetic in one place at a time and sees whether the tests notice."""
