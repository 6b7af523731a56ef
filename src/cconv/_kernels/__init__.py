"""Compiled kernels, one module per (operator, real type, SIMD level). `cconv._core` imports the level that fits."""
