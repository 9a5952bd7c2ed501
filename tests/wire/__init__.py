"""The wire corpus: what peers send, byte for byte, and what must come of it."""
