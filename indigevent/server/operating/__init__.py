"""For operators: what is going on, by the control socket, HTTP and systemd, and what can be done about it."""
