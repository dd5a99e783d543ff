"""Memory that a function takes."""

import tracemalloc


def peak_bytes(function):
    """The most memory that a function allocates.

    The figure of the system would begin with the memory of the process that tests.
    """
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
