"""Services on this machine that messages are sent to."""

from __future__ import annotations

from tests.receivers import mail_server, receiver, silent_address

__all__ = ["mail_server", "receiver", "silent_address"]
