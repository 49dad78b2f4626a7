"""Files that nobody may replace, not even root: those with the attribute immutable or append-only.

Source of the numbers: ``linux/fs.h``; ``chattr`` sets the attributes, ``lsattr`` shows them.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["is_immutable"]

_GET_FLAGS: Final = 0x80006601 | struct.calcsize("l") << 16
"""FS_IOC_GETFLAGS, which holds the size of a long."""
_IMMUTABLE_OR_APPEND_ONLY: Final = 0x10 | 0x20
_OF_BSD: Final = stat.UF_IMMUTABLE | stat.UF_APPEND | stat.SF_IMMUTABLE | stat.SF_APPEND


def is_immutable(path: Path, ioctl: Callable[[int, int, bytes], bytes | int] = fcntl.ioctl) -> bool:
    """Return True if a file has an attribute that keeps it from being replaced.

    False if there is no file, or if its file system has no such attributes.

    Args:
        path: The file.
        ioctl: Reads the attributes on Linux.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        flags = getattr(os.fstat(descriptor), "st_flags", 0)
        if flags & _OF_BSD:
            return True
        answer = ioctl(descriptor, _GET_FLAGS, bytes(struct.calcsize("l")))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return isinstance(answer, bytes) and bool(
        struct.unpack_from("I", answer)[0] & _IMMUTABLE_OR_APPEND_ONLY
    )
