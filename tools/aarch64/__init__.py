"""The product on an Arm processor that this machine does not have: Debian's arm64 under qemu."""
