"""Its presence puts this folder on the import path, so that tests in any folder can import `strategies`."""
