"""Bring CSV files into tables of PostgreSQL."""
