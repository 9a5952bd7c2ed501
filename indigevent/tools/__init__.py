"""What the command-line tools have in common: their flags, a connection that reads what was written, and output."""
