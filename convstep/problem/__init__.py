"""From a file to a checked problem: the model, the reader, the checks."""
