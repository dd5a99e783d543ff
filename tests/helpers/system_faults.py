"""Faults of the system, one call after the other, while a checkpoint is written."""

import io
import os
from types import SimpleNamespace

from charrnn import files

#: Calls of `charrnn.files` beside opening, writing and closing the file.
ASKED = ("stat", "chown", "chmod", "fsync", "replace", "open", "close")
#: Small, so that there are many writes.
BUFFER = 1000


class Faults:
    """Makes call number `n` of the calls that write a file fail.

    Args:
        n: from 1.
        how: called at that call; a write is half done.

    Attributes:
        seen: the names of the calls, up to the one that failed.
    """

    def __init__(self, n, how):
        self.seen = []
        self._n, self._how = n, how

    def install(self, monkeypatch):
        """Replace the calls."""
        system = dict(vars(os))
        for name in ASKED:
            if name in system:
                system[name] = self._counted(name)
        monkeypatch.setattr(files, "os", SimpleNamespace(**system))
        monkeypatch.setattr(files, "open", self._open, raising=False)

    @property
    def over(self):
        """True once the call has failed."""
        return len(self.seen) >= self._n

    def wrong(self, name):
        """Count a call; return whether it must fail."""
        if self.over:
            return False
        self.seen.append(name)
        return self.over

    def _counted(self, name):
        def call(*arguments, **more):
            if self.wrong(name):
                self.happen()
            return getattr(os, name)(*arguments, **more)

        return call

    def _open(self, path, mode):
        if self.wrong("open file"):
            self.happen()
        return io.BufferedWriter(Raw(path, mode, self), BUFFER)

    def happen(self):
        """Fail."""
        self._how()


class Raw(io.FileIO):
    """An unbuffered file."""

    def __init__(self, path, mode, faults):
        super().__init__(path, mode)
        self._faults = faults

    def write(self, data):
        if self._faults.wrong("write"):
            super().write(memoryview(data)[: len(data) // 2])
            self._faults.happen()
        return super().write(data)

    def close(self):
        wrong = not self.closed and self._faults.wrong("close file")
        super().close()  # the system closes a file even if that is an error
        if wrong:
            self._faults.happen()
