"""Download a file, and keep it only if it is the one that is expected.

python data/fetch.py ADDRESS SHA256 FILE
"""

import hashlib
import sys
import urllib.error
import urllib.request
from pathlib import Path


def fetch(address: str, sha256: str, file: Path) -> None:
    """Write what is at an address to a file; exit with a message where that does not succeed."""
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            content = answer.read()
    except (OSError, urllib.error.URLError) as error:
        sys.exit(f"{address}: {error}: get it by hand and save it as {file}")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(f"{address}: not the file that is expected: its SHA-256 is {found}, not {sha256}")
    file.write_bytes(content)


if __name__ == "__main__":
    fetch(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
