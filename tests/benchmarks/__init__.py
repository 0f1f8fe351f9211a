"""How fast it is: ``python -m tests.benchmarks`` in the checkout prints a table of ratios. Run on demand."""
