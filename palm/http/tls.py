"""Which certificates TLS trusts: those of the system and, if it is set, those of ``ca_file``."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from palm.crypto.pem import load_certificates, out_of_date
from palm.errors import SettingsError
from palm.files.settings import named, read_file

__all__ = ["tls_context"]


def tls_context(ca_file: Path | None, setting: str = "ca_file") -> ssl.SSLContext | None:
    """Return a context that trusts the system's authorities and a file; None if there is no file.

    The system's authorities are those in OpenSSL's folders or, if they are set, in
    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``. Each certificate of the file is trusted, also one that
    is neither a root nor a certificate authority.

    Args:
        ca_file: Certificates in PEM, one after the other.
        setting: The name of the setting in errors: ``ca_file``, or ``--ca-file`` if it was typed.

    Raises:
        SettingsError: The file cannot be read, or holds no certificate that is valid now.
    """
    if ca_file is None:
        return None
    name = named(setting, ca_file)
    pem = read_file(setting, ca_file, "the certificate authority's certificate")
    certificates = load_certificates(pem, name)
    problems = [out_of_date(each, datetime.now(UTC)) for each in certificates]
    if all(problems):
        raise SettingsError(f"{name} {problems[0]}")
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_verify_locations(cadata=pem.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError):
        pass
    else:
        return context
    # Raised outside the except block so that the original is not chained.
    raise SettingsError(f"{name} contains a certificate that OpenSSL cannot parse")
