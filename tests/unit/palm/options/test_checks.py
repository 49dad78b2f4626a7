"""An unknown option, or a value of the wrong kind, is refused by a SettingsError that names it."""

from __future__ import annotations

import inspect
import re

import pytest

from palm import (
    APIv3Key,
    AsyncPalm,
    Merchant,
    Pacer,
    Palm,
    PlatformKeys,
    Retry,
    RSASigner,
    RSAVerifier,
    SettingsError,
    Timeouts,
    TrustStore,
)
from palm.options.checks import _OPTIONS, checked_timeouts
from palm.options.client_options import ClientOptions, CopyOptions, SettingsOptions
from palm.settings import load_settings


@pytest.fixture
def options(keys):
    return {"merchant": keys.merchant(), "keys": keys.platform_keys()}


@pytest.fixture
def config(keys, tmp_path):
    """Return the path of a settings file."""
    keys.write(tmp_path / "keys", "http://127.0.0.1:9")
    return tmp_path / "keys" / "palm.toml"


WRONG = [
    ("rate", 0, "rate must be a number above 0, in requests per second, or None, not 0 (int)"),
    ("rate", -1.5, "or None, not -1.5 (float)"),
    ("rate", float("nan"), "or None, not nan (float)"),
    ("rate", float("inf"), "or None, not inf (float)"),
    ("rate", True, "or None, not True"),
    ("rate", "50", "or None, not str"),
    ("retry", 3, "retry must be a Retry, as Retry(attempts=3), or None, not 3 (int)"),
    ("retry", Retry, "or None, not type"),
    (
        "timeout",
        0,
        "timeout must be a number of seconds above 0, or Timeouts, or None, not 0 (int)",
    ),
    ("timeout", -1, "or None, not -1 (int)"),
    ("timeout", False, "or None, not False"),
    ("timeout", "5", "or None, not str"),
    ("timeouts", 5, "timeouts must be Timeouts, as Timeouts(total_s=10), or None, not 5 (int)"),
    ("merchant", None, "merchant must be a Merchant or a Signer, not None"),
    ("merchant", "1900000001", "merchant must be a Merchant or a Signer, not str"),
    ("merchant", RSASigner, "merchant must be a Merchant or a Signer, not type"),
    ("keys", "path", "keys must be PlatformKeys, a CertificateStore or a Verifier, not str"),
    ("keys", {"PUB_KEY_ID_1": b"x"}, "or a Verifier, not dict"),
    ("base_url", 5, "base_url must be a URL, or several in a list, not 5 (int)"),
    ("base_url", [], "several in a list, not an empty list"),
    ("base_url", b"https://x", "several in a list, not bytes"),
    ("base_url", ["https://x.example", 5], "several in a list, not list"),
    ("pacer", 50, "pacer must be a Pacer, or another object with acquire(), or None, not 50 (int)"),
    ("adaptation", Pacer, "adaptation must be AdaptationRules, an Adaptation or None, not "),
    ("hosts", "https://x.example", "hosts must be HostRules or None, not str"),
    ("breaker", True, "breaker must be BreakerRules, a Breaker or None, not True"),
    ("proxy", 3128, "proxy must be a URL or None, not 3128 (int)"),
    ("ca_file", b"x", "ca_file must be a path or None, not bytes"),
    ("connections", 0, "connections must be a whole number above 0, or None, not 0 (int)"),
    ("connections", 1.5, "or None, not 1.5 (float)"),
    ("connections", True, "or None, not True"),
    ("accept_unnamed", 1, "accept_unnamed must be True or False, not 1 (int)"),
    ("require_echo", "no", "require_echo must be True or False, not str"),
    ("on_attempt", "print", "on_attempt must be a function or None, not str"),
    ("nonce", None, "nonce must be a function, not None"),
    ("clock", 5, "clock must be a Clock or None, not 5 (int)"),
    ("steady", 5, "steady must be a function or None, not 5 (int)"),
    ("sleep", 5, "sleep must be a function or None, not 5 (int)"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
@pytest.mark.parametrize("client", [Palm, AsyncPalm])
def test_a_wrong_value_is_refused_by_name_type_and_what_is_wanted(
    client, options, name, value, said
):
    with pytest.raises(SettingsError, match=re.escape(said)):
        client(**options | {name: value})


@pytest.mark.parametrize("client", [Palm, AsyncPalm])
def test_each_way_to_make_a_client_refuses_a_wrong_value(client, options, config):
    settings = load_settings({"mchid": "1"})
    with pytest.raises(SettingsError, match="^rate must be a number above 0"):
        client.from_env(config, rate="50")
    with pytest.raises(SettingsError, match="^rate must be a number above 0"):
        client.from_settings(settings, rate="50")
    with pytest.raises(SettingsError, match="^retry must be a Retry"):
        client(**options).with_options(retry=3)
    with pytest.raises(SettingsError, match="^timeout must be a number of seconds above 0"):
        client(**options).with_options(timeout=0)
    with pytest.raises(SettingsError, match="^config must be a path or None, not 5"):
        client.from_env(5)


@pytest.mark.parametrize("client", [Palm, AsyncPalm])
def test_an_unknown_option_is_refused_with_a_similar_name(client, options, config):
    said = "unknown option 'merchnt'; did you mean 'merchant'"
    settings = load_settings({"mchid": "1"})
    with pytest.raises(SettingsError, match=said):
        client(merchnt=1)
    with pytest.raises(SettingsError, match=said):
        client.from_env(config, merchnt=1)
    with pytest.raises(SettingsError, match=said):
        client.from_settings(settings, merchnt=1)
    with pytest.raises(SettingsError, match="unknown option 'rate'; known are timeout, retry"):
        client(**options).with_options(rate=1)


@pytest.mark.parametrize("client", [Palm, AsyncPalm])
def test_a_missing_option_is_named(client, options):
    with pytest.raises(SettingsError, match="^merchant is missing: it must be a Merchant or a Sig"):
        client(keys=options["keys"])
    with pytest.raises(SettingsError, match="^keys is missing: it must be PlatformKeys, a Cert"):
        client(merchant=options["merchant"])


def test_no_error_repeats_a_text(options):
    """A text in the wrong place may be a secret."""
    with pytest.raises(SettingsError) as caught:
        Palm(**options | {"keys": "-----BEGIN PRIVATE KEY-----"})
    assert "BEGIN" not in str(caught.value)


def test_every_declared_option_is_checked():
    declared = {*ClientOptions.__annotations__, *CopyOptions.__annotations__}
    assert declared == _OPTIONS.keys() == SettingsOptions.__annotations__.keys()


def test_every_declared_option_is_documented():
    names = re.findall(r"^    (\w+): ", inspect.getdoc(AsyncPalm), flags=re.MULTILINE)
    assert ClientOptions.__annotations__.keys() <= {*names}


@pytest.mark.parametrize("client", [Palm, AsyncPalm])
def test_paths_may_be_text_or_any_path(client, config):
    class Path:
        def __fspath__(self):
            return str(config)

    for path in (str(config), config, Path()):
        assert isinstance(client.from_env(path), client)


def test_a_ca_file_may_be_text(options, tmp_path):
    with pytest.raises(SettingsError, match="cannot be read: "):
        Palm(**options, ca_file=str(tmp_path / "none.pem"))


def test_an_own_signer_and_verifier_are_options(options):
    client = AsyncPalm(merchant=RSASigner(options["merchant"]), keys=RSAVerifier(options["keys"]))
    assert client.pacer is None


def test_a_number_is_the_whole_attempts_timeout():
    assert checked_timeouts(3, Timeouts(connect_s=1)) == Timeouts(connect_s=1, total_s=3)
    assert checked_timeouts(None, None) == Timeouts()
    assert checked_timeouts(Timeouts(total_s=2), Timeouts(total_s=1)) == Timeouts(total_s=2)


@pytest.mark.parametrize("name", ["connect_s", "total_s", "idle_s"])
@pytest.mark.parametrize("value", [0, -1, "5", None, True])
def test_a_timeout_is_a_number_above_0(name, value):
    with pytest.raises(SettingsError, match=f"^{name} must be a number of seconds above 0, not "):
        Timeouts(**{name: value})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"attempts": 0}, "attempts must be a whole number above 0, not 0"),
        ({"attempts": 1.5}, "attempts must be a whole number above 0, not 1.5"),
        ({"throttles": True}, "throttles must be a whole number above 0, not True"),
        ({"base_s": -1}, "base_s must be a number of seconds, 0 or more, not -1"),
        ({"cap_s": "20"}, "cap_s must be a number of seconds, 0 or more, not str"),
        ({"patience_s": float("nan")}, "patience_s must be a number of seconds, 0 or more, not na"),
        ({"max_elapsed_s": 0}, "max_elapsed_s must be a number of seconds above 0, not 0"),
        ({"adapts": 1}, "adapts must be True or False, not 1"),
    ],
)
def test_a_retry_has_numbers(values, said):
    with pytest.raises(SettingsError, match=said):
        Retry(**values)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda pem: Merchant(190, "ABCDEF0123", pem.key), "mchid must be text, not 190"),
        (lambda pem: Merchant("190", 5, pem.key), "serial_no must be text, not 5"),
        (lambda _: Merchant("190", "ABCDEF0123", b"k"), "must be an RSA private key, not bytes"),
        (
            lambda _: Merchant.from_pem("190", "apiclient_key.pem", serial_no="ABCDEF0123"),
            "private key must be the text of a PEM file, .* not str",
        ),
        (
            lambda _: PlatformKeys.from_pem(public_keys={"PUB_KEY_ID_1": "pub_key.pem"}),
            "PUB_KEY_ID_1 must be the text of a PEM file, .* not str",
        ),
        (lambda _: PlatformKeys.from_pem(public_keys=b"x"), "public_keys must be a mapping"),
        (lambda _: PlatformKeys.from_pem(certificates=b"x"), "certificates must be a list"),
        (lambda _: TrustStore.from_pem(5), "root certificate must be the text .* not 5"),
        (lambda _: APIv3Key("k" * 32), "secret must be bytes, not str"),
    ],
)
def test_keys_are_refused_by_name_and_type(pem, make, said):
    with pytest.raises(SettingsError, match=said):
        make(pem)


def test_pem_may_be_text(pem):
    text = pem.private(pem.key).decode()
    assert Merchant.from_pem("190", text, serial_no="ABCDEF0123").serial_no == "ABCDEF0123"


@pytest.mark.parametrize("name", ["on_attempt", "nonce", "clock", "steady", "sleep"])
def test_a_function_that_would_have_to_be_awaited_is_refused(options, name):
    """But ``sleep`` is one: it is awaited."""

    async def later(*_):
        pass

    if name == "sleep":
        with pytest.warns(DeprecationWarning, match="Clock"):
            Palm(**options, sleep=later)
        return
    with pytest.raises(SettingsError, match=f"^{name} must be .*, not an async function$"):
        Palm(**options, **{name: later})


@pytest.mark.parametrize("kind", [Palm, AsyncPalm])
@pytest.mark.parametrize("settings", [None, {"mchid": "1900000001"}, "palm.toml"])
def test_settings_are_what_load_settings_returns(kind, settings):
    wanted = "^settings must be Settings, as palm.settings.load_settings returns them, not "
    with pytest.raises(SettingsError, match=wanted):
        kind.from_settings(settings)
