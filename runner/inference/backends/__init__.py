"""The runtimes that a model can run on, one module each; a runtime is imported when a model needs it."""
