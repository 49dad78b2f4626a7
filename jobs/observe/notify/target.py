"""Where messages go: a file in Apprise's format, or URLs. Both hold secrets and are never shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from palm.errors import SettingsError
from palm.files.settings import check_private, named, read_file

__all__ = ["EXTRA", "Target", "checked_target"]

EXTRA: Final = "pip install 'palm-reconcile[notify]'"
"""The command that installs Apprise."""
_SETTING: Final = "notify"
_IN_URLS: Final = "://"


@dataclass(frozen=True, slots=True)
class Target:
    """Where messages go.

    Attributes:
        urls: Apprise URLs, separated by spaces or commas; None if there is a file.
        file: The absolute path of a file in Apprise's format; None if there are URLs.
    """

    urls: str | None = field(default=None, repr=False)
    file: Path | None = None


def checked_target(text: str) -> Target:
    """Return where messages go.

    Args:
        text: The value of ``PALM_NOTIFY``: URLs if it holds ``://``, else the path of a file.

    Raises:
        SettingsError: Apprise is not installed; or the file cannot be read, is empty, is not UTF-8,
            or can be read by everybody. The text shows no URL.
    """
    if find_spec("apprise") is None:
        raise SettingsError(f"PALM_NOTIFY needs Apprise, which is not installed; run: {EXTRA}")
    if _IN_URLS in text:
        return Target(urls=text)
    path = Path(text)
    content = read_file(_SETTING, path, "the file with the addresses of messages")
    check_private(path)
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        where = error.start + 1
    else:
        if not any(line.strip() and not line.lstrip().startswith(("#", ";")) for line in lines):
            raise SettingsError(f"{named(_SETTING, path)} holds no address")
        return Target(file=path.absolute())
    # Raised outside the except block so that the original, which holds the file, is not chained.
    raise SettingsError(f"{named(_SETTING, path)} is not UTF-8 (byte {where}): save it as UTF-8")
