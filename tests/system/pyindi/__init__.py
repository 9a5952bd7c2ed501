"""Scripts written for pyindi-client, untouched, and what they may rely on."""
