"""The daemon: greenlets that move bytes between sockets, processes and the routing table."""
