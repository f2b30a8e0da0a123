"""Primitive array operations: raw arrays in, raw arrays out. Nothing here knows of drift.

`spec` lists the operations and says what they mean; `reference` spells the meaning out in slow loops;
`portable` runs on any array-API library; `numba_cpu`, `jax_xla` and `cupy_cuda` are the fast sets.
Importing this package imports no array library: a set is imported by the backend that uses it.
"""
