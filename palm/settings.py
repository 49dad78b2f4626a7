"""Where keys and addresses come from: options, then ``PALM_*`` variables, then ``palm.toml``."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict

from palm.clock import Clock
from palm.crypto.certificate_store import CertificateStore
from palm.crypto.certificates import APIv3Key
from palm.crypto.keys import Merchant, PlatformKeys
from palm.crypto.pem import load_certificate, out_of_date
from palm.crypto.trust_store import TrustStore
from palm.errors import SettingsError
from palm.files.settings import check_private, is_missing, named, read_file, read_toml
from palm.options.checks import check_unnamed
from palm.text.printable import printable, shown_value
from palm.text.suggestion import suggestion

__all__ = [
    "CONFIG_NAME",
    "Settings",
    "load_settings",
    "read_config",
]

CONFIG_NAME: Final = "palm.toml"
_SEPARATORS: Final = {"platform_certificates": os.pathsep}
_TABLES: Final = ("reconcile",)
_log: Final = logging.getLogger("palm")


class Settings(BaseSettings):
    """Merchant, keys and hosts. Secrets are always paths, never values.

    Relative paths in ``palm.toml`` start from the folder of ``palm.toml``. Relative paths in
    environment variables and options start from the current folder.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="PALM_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    mchid: str | None = Field(None, description="merchant number")
    merchant_serial: str | None = Field(None, description="serial of the merchant's certificate")
    private_key: Path | None = Field(None, description="apiclient_key.pem")
    merchant_certificate: Path | None = Field(None, description="apiclient_cert.pem")
    public_key_id: str | None = Field(None, description="PUB_KEY_ID_…")
    public_key: Path | None = Field(None, description="pub_key.pem")
    platform_certificates: Annotated[tuple[Path, ...], NoDecode] = ()
    root_certificate: Path | None = Field(None, description="root and intermediates of those")
    apiv3_key_file: Path | None = Field(None, description="a file with the APIv3 key")
    base_url: Annotated[tuple[str, ...], NoDecode] = ()
    proxy: str | None = None
    ca_file: Path | None = Field(None, description="certificate authorities to trust, too, in PEM")
    accept_unnamed: bool = False
    require_echo: bool = False

    @field_validator("mchid", "merchant_serial", "public_key_id", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        # A number without quotes in palm.toml is meant as text.
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("platform_certificates", mode="before")
    @classmethod
    def _split_paths(cls, value: object) -> object:
        return tuple(filter(None, value.split(os.pathsep))) if isinstance(value, str) else value

    @field_validator("base_url", mode="before")
    @classmethod
    def _split_urls(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    def __repr_args__(self) -> Iterator[tuple[str, object]]:
        """Yield which settings are set, without values: a value may be a misplaced secret."""
        for name, value in self:
            if value:
                yield name, value is True or "set"

    def as_environment(self) -> dict[str, str]:
        """Return the ``PALM_*`` variables of the same settings."""
        values = {name: value for name, value in self if value}
        return {
            f"PALM_{name.upper()}": (
                _SEPARATORS.get(name, " ").join(map(str, value))
                if isinstance(value, tuple)
                else str(value)
            )
            for name, value in values.items()
        }

    def merchant(self) -> Merchant:
        """Return the merchant, read from the files.

        Raises:
            SettingsError: A setting is missing, unreadable or invalid.
        """
        if self.mchid is None:
            raise SettingsError(_missing("mchid", "your merchant number"))
        if self.private_key is None:
            raise SettingsError(_missing("private_key", "the path of apiclient_key.pem"))
        if self.merchant_serial is None and self.merchant_certificate is None:
            raise SettingsError(
                _missing("merchant_serial", "the serial number of your API certificate")
            )
        check_private(self.private_key)
        return Merchant.from_pem(
            self.mchid,
            read_file("private_key", self.private_key, "the merchant's private key"),
            serial_no=self.merchant_serial,
            certificate=(
                read_file(
                    "merchant_certificate", self.merchant_certificate, "the merchant's certificate"
                )
                if self.merchant_certificate
                else None
            ),
            name=named("private_key", self.private_key),
        )

    def platform_keys(self) -> PlatformKeys | None:
        """Return the keys in files that answers are verified with; None: there are none.

        Raises:
            SettingsError: A setting is incomplete, unreadable or invalid.
        """
        if (self.public_key is None) != (self.public_key_id is None):
            name = "public_key" if self.public_key is None else "public_key_id"
            raise SettingsError(
                _missing(name, "the public key's path and its PUB_KEY_ID_… go together")
            )
        if self.public_key is None and not self.platform_certificates:
            return None
        public_keys = {}
        if self.public_key is not None and self.public_key_id is not None:
            public_keys[self.public_key_id] = read_file(
                "public_key", self.public_key, "WeChat Pay's public key"
            )
        certificates = self._valid_certificates()
        if not public_keys and not certificates:
            return None
        return PlatformKeys.from_pem(
            public_keys=public_keys, certificates=certificates, trust=self.trust_store()
        )

    def _valid_certificates(self) -> list[bytes]:
        """Return the platform certificates in files that are valid now; others are warned of.

        Raises:
            SettingsError: No key would be left to verify with.
        """
        valid, problems, now = [], [], datetime.now(UTC)
        for path in self.platform_certificates:
            pem = read_file("platform_certificates", path, "the platform certificate")
            certificate = load_certificate(pem, named("platform_certificates", path))
            if problem := out_of_date(certificate, now):
                problems.append(f"{named('platform_certificates', path)} {problem}")
            else:
                valid.append(pem)
        if problems and not (valid or self.public_key or self.apiv3_key_file):
            raise SettingsError("; ".join(problems))
        for each in problems:
            _log.warning("%s: it is not used", each)
        return valid

    def trust_store(self) -> TrustStore | None:
        """Return the roots that platform certificates must come from; None: none is set.

        Raises:
            SettingsError: The file cannot be read, or holds no root.
        """
        if self.root_certificate is None:
            return None
        pem = read_file("root_certificate", self.root_certificate, "the root certificate")
        return TrustStore.from_pem(pem, named("root_certificate", self.root_certificate))

    def verifying_keys(self, *, clock: Clock | None = None) -> PlatformKeys | CertificateStore:
        """Return what answers are verified with: keys in files, and downloads where they are set.

        Args:
            clock: The time, by which certificates are downloaded again.

        Raises:
            SettingsError: There is neither, or a setting is invalid.
        """
        held = self.platform_keys()
        if self.apiv3_key_file is not None:
            check_private(self.apiv3_key_file)
            secret = read_file("apiv3_key_file", self.apiv3_key_file, "the APIv3 key").strip()
            return CertificateStore(APIv3Key(secret), held, trust=self.trust_store(), clock=clock)
        if held is None:
            raise SettingsError(
                _missing("public_key", "WeChat Pay's pub_key.pem, to verify its answers with")
            )
        return held


def read_config(path: Path | None) -> dict[str, object]:
    """Return the content of ``palm.toml``: of ``path``, or of the current folder's if it exists.

    Paths come back relative to the file's folder. Tables (``[reconcile]``) come back as they are.

    Raises:
        SettingsError: It cannot be read, is not TOML, or has an unknown key.
    """
    if path is None:
        path = Path(CONFIG_NAME)
        if is_missing(path):
            return {}
    config, shown = read_toml(path), printable(str(path))
    for name, value in config.items():
        if isinstance(value, dict) and name in _TABLES:
            continue
        if name not in Settings.model_fields:
            known = [*Settings.model_fields, *(f"[{table}]" for table in _TABLES)]
            raise SettingsError(
                f"{shown}: unknown setting {shown_value(name)}; {suggestion(name, known)}"
            )
        if _is_path(Settings.model_fields[name]):
            several = isinstance(value, str) and name in _SEPARATORS
            config[name] = _beside(path, [value] if several else value)
    return config


def load_settings(config: Mapping[str, object] | None = None, **options: object) -> Settings:
    """Return the settings, ``options`` first (None: not given), then ``PALM_*``, then ``config``.

    Raises:
        SettingsError: A value is of the wrong kind, or two contradict each other.
    """
    given = {name: value for name, value in options.items() if value is not None}
    plain = {k: v for k, v in (config or {}).items() if not isinstance(v, dict)}
    settings = _validated({**plain, **EnvSettingsSource(Settings)(), **given})
    check_unnamed(accept_unnamed=settings.accept_unnamed, require_echo=settings.require_echo)
    return settings


def _validated(values: dict[str, object]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"
            for each in error.errors(include_input=False, include_url=False)
        )
    # Raised outside the except block so that the original, which holds the values, is not chained.
    raise SettingsError(f"settings: {wrong}")


def _missing(name: str, what: str) -> str:
    return f"PALM_{name.upper()} is not set ({what}), nor {name} in {CONFIG_NAME}"


def _is_path(field: FieldInfo) -> bool:
    return "Path" in str(field.annotation)


def _beside(config: Path, value: object) -> object:
    if isinstance(value, str):
        return config.parent / value
    return tuple(_beside(config, each) for each in value) if isinstance(value, list) else value
