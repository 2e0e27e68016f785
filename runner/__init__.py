"""Makes it happen: speaks to hosts, runs models; holds the command line. May import ``tracer``."""
