"""The serial line: bytes to commands and back, ports, and what goes wrong with them."""
