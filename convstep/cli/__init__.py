"""The command line: click alone lives here, one module a command."""
