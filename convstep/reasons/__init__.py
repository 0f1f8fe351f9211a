"""Why a run ended as it did: facts with their evidence, and advice that has been tried."""
