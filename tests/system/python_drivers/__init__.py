"""One driver class, served in every way there is, does the same to its clients."""
