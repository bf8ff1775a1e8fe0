"""Attempts on Carillon, each performed through the ways in that there really are."""
