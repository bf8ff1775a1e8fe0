"""The demo: a small shop whose work Carillon schedules, with some days of history; `make demo` starts it."""
