"""What a driver is and when it is restarted: pure code, time and outcomes come in as arguments."""
