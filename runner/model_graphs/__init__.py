"""Readers that turn a model's file into the neutral list of operations that ``tracer.model.model_cost`` counts."""
