"""What a driver author uses: a driver is a plain blocking program that speaks INDI on stdin and stdout."""
