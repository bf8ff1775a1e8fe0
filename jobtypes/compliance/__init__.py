"""Show, control by control, that evidence exists for every system of an environment."""
