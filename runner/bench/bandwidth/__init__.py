"""How fast bytes get to a device and back: through CUDA's driver, or in memory where there is no GPU."""
