"""The client for code that is not asynchronous: it runs the asynchronous one in a thread."""

from __future__ import annotations

from palm.sync.authorizations import SyncAuthorizations
from palm.sync.sync_client import Palm

__all__ = ["Palm", "SyncAuthorizations"]
