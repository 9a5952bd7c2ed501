"""Console scripts, one file per command."""
