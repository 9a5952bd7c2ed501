"""What `scripts/bench` is made of: servers side by side, a load driver, fast clients, scenarios, a report."""
