"""SciPy's own tests, run on cconv's functions: see `runner`."""
