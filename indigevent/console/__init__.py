"""The operator's side of the control socket: requests, tables, and a screen that is drawn again and again."""
