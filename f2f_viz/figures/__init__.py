"""Views of an analysis: in each module a pure data function, and a view with `root` and `update`.

A view never computes the method: it shapes an `Analysis` into arrays and swaps them into its
sources.
"""
