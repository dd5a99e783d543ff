"""Worker processes and MPI ranks that train one model: a *group*.

A group of one has no overhead.
"""
