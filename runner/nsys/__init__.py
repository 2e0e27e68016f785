"""Nsight Systems: finding it, running the DUT under it, and turning what it leaves into an export that is read."""
