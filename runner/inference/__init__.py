"""One inference: the model, its backend and the stages around it."""
