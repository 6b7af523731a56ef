# For Cython: see capi.pxd. Python finds no names here.
