"""The command-line tools, compared with the reference's and beyond them."""
