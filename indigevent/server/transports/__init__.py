"""What may lie between a link and its socket: TLS, compression, another program."""
