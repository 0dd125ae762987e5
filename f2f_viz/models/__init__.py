"""Whole models: encode, decode, account."""
