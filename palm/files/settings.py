"""Reads the files that settings name; error messages do not show a value that is not a path.

``PALM_PRIVATE_KEY="$(cat key.pem)"`` is a frequent mistake: the value is then the key itself.
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import stat
import tomllib
from pathlib import Path
from typing import Final

from palm.errors import SettingsError
from palm.files.regular import open_regular, path_fault
from palm.text.printable import printable

__all__ = ["check_private", "is_missing", "named", "read_file", "read_toml"]

_MAX_FILE_BYTES: Final = 1024 * 1024
_LINE: Final = re.compile(r"\(at (line \d+, column \d+|end of document)\)")
_log: Final = logging.getLogger("palm")


def named(setting: str, path: Path) -> str:
    """Return the name of a setting for errors, with its path only if a file of that name exists.

    Args:
        setting: Name of the setting, as ``private_key``, or of the option, as ``--config``.
        path: Its value.
    """
    name = setting if setting.startswith("-") else f"PALM_{setting.upper()}"
    # os.path.exists returns False where pathlib raises: if the name is too long or has a NUL.
    return f"{name} ({printable(str(path))})" if os.path.exists(path) else name  # noqa: PTH110


def is_missing(path: Path) -> bool:
    """Return True if the path is known not to exist; any other fault shows when it is read."""
    try:
        return not path.exists()
    except OSError:
        return False


def read_file(setting: str, path: Path, what: str) -> bytes:
    """Return the content of the file that a setting names.

    Args:
        setting: Name of the setting, as ``private_key``, or of the option, as ``--config``.
        path: The setting's value.
        what: What the file contains, for errors.

    Raises:
        SettingsError: The file cannot be read, is not a regular file, or has more than 1 MiB.
    """
    try:
        with open_regular(path) as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, UnicodeError) as error:
        reason = path_fault(error)
    except ValueError:
        reason = "not a path"
    else:
        if len(content) > _MAX_FILE_BYTES:
            raise SettingsError(f"{named(setting, path)}: {what} is larger than 1 MiB")
        return content
    # Raised outside the except block so that the original, which has the path, is not chained.
    raise SettingsError(f"{named(setting, path)}: {what} cannot be read: {reason}")


def read_toml(path: Path) -> dict[str, object]:
    """Return the content of a TOML file.

    Raises:
        SettingsError: The file cannot be read, or is not TOML: the error names the place in the
            file but shows none of its content.
    """
    content = read_file("--config", path, "the configuration")
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        where = f"byte {error.start + 1} is not UTF-8"
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        where = found[1] if found else "unknown line"
    raise SettingsError(f"{printable(str(path))} is not valid TOML: {where}")


def check_private(path: Path) -> None:
    """Check that not everybody can read a secret file; warn if its group can.

    Kubernetes and systemd mount secrets readable by the group, so that is not an error.

    Raises:
        SettingsError: Everybody can read the file.
    """
    if os.name != "posix":
        return
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return  # reading the file reports the fault
    shown = printable(str(path))
    remedy = f"chmod 600 {shlex.quote(shown)}"
    if mode & stat.S_IROTH:
        raise SettingsError(f"everybody on this machine can read {shown}; run: {remedy}")
    if mode & stat.S_IRGRP:
        _log.warning("the group of %s can read it; if that is not meant: %s", shown, remedy)
