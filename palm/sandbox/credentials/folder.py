"""Writes a folder of secrets that only its owner can read, and never into any other folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from palm.errors import SettingsError

__all__ = ["MADE_BY", "MARKER", "write_folder"]

MARKER: Final = "settings.json"
MADE_BY: Final = "palm sandbox: keys made up for tests, worth nothing elsewhere"

_FOLDER_MODE: Final = 0o700
_FILE_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_FILE_MODE: Final = 0o600


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write ``files`` (name to text) into ``folder``, which is created if it does not exist.

    The folder gets mode 0700, the files have 0600 from their first byte on. Files of an earlier
    call are replaced; other files in the folder are not changed.

    Args:
        folder: A folder that does not exist, is empty, or has a ``MARKER`` file of an earlier call.
        files: Must hold ``MARKER``, a JSON object whose ``made_by`` is ``MADE_BY``.

    Raises:
        SettingsError: The folder holds other files, or it cannot be written.
    """
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        if any(folder.iterdir()) and not _is_sandbox_folder(folder / MARKER):
            raise SettingsError(
                f"{folder} holds files that palm sandbox did not write; name a new or an empty "
                "folder for its keys"
            )
        folder.chmod(_FOLDER_MODE)
        # The marker first, so that a folder that was left half-written is recognized.
        for name in sorted(files, key=lambda name: name != MARKER):
            _write(folder / name, files[name])
    except FileExistsError:
        raise SettingsError(f"{folder} is not a folder; name a new or an empty one") from None
    except OSError as error:
        raise SettingsError(f"cannot write keys into {folder}: {error.strerror}") from None


def _is_sandbox_folder(marker: Path) -> bool:
    try:
        content = json.loads(marker.read_bytes())
    except (FileNotFoundError, IsADirectoryError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("made_by") == MADE_BY


def _write(path: Path, text: str) -> None:
    # A new file each time: an old one could be readable for others, or be a link elsewhere.
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, _FILE_FLAGS, _FILE_MODE), "w", encoding="utf-8") as file:
        file.write(text)
