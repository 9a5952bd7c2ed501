"""What `scripts/faults` and `scripts/soak` are made of: faults as plays, a pulse that measures, one table."""
