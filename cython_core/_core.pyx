# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Kernels of f2f_viz: no policy, no validation."""

