"""Which mistake did a learner make? The catalogue of mistakes, and the search over it."""
