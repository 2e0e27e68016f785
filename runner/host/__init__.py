"""The host: what drives a DUT, and the session that it leaves."""
