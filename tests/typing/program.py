"""A program of a user of this package: every public name, in the way that it is meant to be used.

It is checked with ``mypy --strict`` and never run.
"""

# ruff: noqa: C901, PLR0911, T201 - a user's program may print, and return where it likes

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import palm
from palm import (
    BASE_URLS,
    Adaptation,
    AdaptationRules,
    Answer,
    APIError,
    APIv3Key,
    ArgumentError,
    AsyncNode,
    AsyncPalm,
    Attempt,
    Authorizations,
    AuthorizationState,
    BodyError,
    Breaker,
    BreakerRules,
    CertificateRefusedError,
    CertificateStore,
    Clock,
    ClosedError,
    ConnectError,
    DecryptionError,
    DisconnectedError,
    ErrorDetail,
    EventLoopError,
    ForbiddenError,
    HostRules,
    LocalResourceError,
    Merchant,
    MismatchError,
    Node,
    NoStateError,
    Notification,
    Notifications,
    Outcome,
    Pacer,
    PacerError,
    Pair,
    Palm,
    PalmAuthorization,
    PalmError,
    PendingError,
    PlatformKeys,
    ProxyAuthenticationError,
    RateLimiter,
    RefusedError,
    RequestOptions,
    Retry,
    RSASigner,
    RSAVerifier,
    ServerError,
    SettingsError,
    SignatureError,
    SignatureReason,
    SignedMessage,
    Signer,
    SignerError,
    SignerTimeoutError,
    StateError,
    SyncAuthorizations,
    SyncNotifications,
    ThreadSigner,
    ThrottledError,
    TimedOutError,
    Timeouts,
    TransientError,
    TransportError,
    TrustStore,
    UnauthorizedError,
    UnnamedError,
    UnrecognizedStateError,
    VerificationError,
    Verifier,
    authorization,
    message,
)


class Vault:
    """A key that lives elsewhere."""

    mchid = "1900000001"
    serial_no = "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"

    async def sign(self, content: bytes, /) -> bytes:
        """Return a signature, by and by."""
        await asyncio.sleep(0)
        return content


class Trusting:
    """Whom nobody should believe."""

    preferred = ""

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: int) -> str:
        """Return the id of a key."""
        return headers.get("Wechatpay-Serial", f"{now}{body!r}")


def keys() -> tuple[Merchant, PlatformKeys | CertificateStore]:
    """Return both sides' keys."""
    merchant = Merchant.from_pem(
        "1900000001", Path("apiclient_key.pem").read_bytes(), serial_no=Vault.serial_no
    )
    held = PlatformKeys.from_pem(public_keys={"PUB_KEY_ID_1": Path("pub_key.pem").read_bytes()})
    if held.preferred:
        return merchant, held
    trust = TrustStore.from_pem(Path("root.pem").read_bytes())
    return merchant, CertificateStore(APIv3Key(b"k" * 32), held, trust=trust)


def own() -> tuple[Signer, Verifier]:
    """Return what does the same in another place."""
    signer: Signer = Vault()
    verifier: Verifier = Trusting()
    merchant, held = keys()
    if isinstance(held, PlatformKeys):
        signer, verifier = RSASigner(merchant), RSAVerifier(held)
        with ThreadSigner(merchant, threads=2) as threads:
            signer = threads
    return signer, verifier


def note(attempt: Attempt) -> None:
    """Count an attempt."""
    seconds: float = attempt.elapsed_s
    error: PalmError | None = attempt.error
    print(seconds, error)


def ask() -> Iterator[PalmAuthorization]:
    """Ask one after the other."""
    merchant, held = keys()
    with Palm(
        merchant=merchant,
        keys=held,
        base_url=BASE_URLS,
        rate=50,
        retry=Retry(attempts=3),
        timeouts=Timeouts(total_s=5),
        timeout=4.5,
        ca_file="authority.pem",
        hosts=HostRules(failures=2),
        adaptation=AdaptationRules(least=5),
        breaker=BreakerRules(failures=10),
        on_attempt=note,
    ) as client:
        typed: SyncAuthorizations = client.authorizations
        answer: PalmAuthorization = typed.get("o1", "1004")
        yield answer
        state: AuthorizationState = answer.state
        time: datetime | None = answer.authorize_time
        print(state is AuthorizationState.ON, time and time.year, answer.echoed)
        node: Node[Answer] = client.v3.palmservice.authorization.openid._openid_
        response: Answer = node.get(openid="o1", query={"organization_id": "1004"})
        response = client["v3/certificates"].get({"query": {}})
        response = client.chain("v3/foo").Delete.post(json={"a": 1}, headers={"A": "b"})
        status: int = response.status
        content: bytes = response.content
        print(status, content, response.request_id, response.json()["state"])
        token: str = typed.preauthorize("o1", organization_id="1004")
        print(token, client.with_options(timeout=3.0, retry=Retry()).v3)
        outcomes: Iterator[Outcome] = typed.get_many([("o1", "1004"), Pair("o2", "1004")])
        for pair, found in outcomes:
            print(pair.openid, found)


class SharedQuota:
    """A pacer that asks another service."""

    async def acquire(self) -> None:
        """Wait until a request may be sent."""


def paced_elsewhere() -> Palm:
    """Return a client whose quota is shared with other machines."""
    limiter: RateLimiter = SharedQuota()
    return Palm.from_env(pacer=limiter)


async def send(client: AsyncPalm) -> bytes:
    """Send a request whose path is complete."""
    options = RequestOptions({"Idempotency-Key": "1"}, content_type="text/plain", max_body=9)
    answer: Answer = await client.send("POST", "/v3/foo", b"text", options=options)
    return answer.content


def two_clients() -> tuple[AsyncPalm, AsyncPalm]:
    """Return clients that share a quota."""
    clock = Clock(wall=lambda: 0.0)
    pacer = Pacer(50, clock=clock)
    adaptation, breaker = Adaptation(pacer), Breaker(clock=clock)
    return AsyncPalm.from_env(
        pacer=pacer, adaptation=adaptation, breaker=breaker, clock=clock
    ), AsyncPalm.from_env(pacer=pacer, adaptation=adaptation, breaker=breaker, clock=clock)


def listen(client: Palm, headers: Mapping[str, str], meta: dict[str, object]) -> Notification:
    """Read a notification, with any framework's headers."""
    notifications: SyncNotifications = client.notifications
    found: Notification = notifications.parse(headers, b"{}")
    event: str = found.event_type
    when: datetime | None = found.create_time
    print(event, when, found.resource.get("out_trade_no"))
    return notifications.parse(meta, b"{}", apiv3_key=APIv3Key(b"k" * 32))


async def listen_too(client: AsyncPalm, headers: Mapping[str, str]) -> str:
    """Read a notification in an event loop."""
    notifications: Notifications = client.notifications
    try:
        return (await notifications.parse(headers, b"{}")).verified_by
    except DecryptionError as error:
        return str(error)


async def ask_many() -> list[PalmAuthorization]:
    """Ask all at once."""
    found: list[PalmAuthorization] = []
    async with AsyncPalm.from_env(Path("palm.toml"), rate=50.0) as client:
        pacer: Pacer | None = client.pacer
        print(pacer and pacer.rate)
        typed: Authorizations = client.authorizations
        async for pair, outcome in typed.get_many([Pair("o1", "1")], concurrency=8):
            if isinstance(outcome, PalmError):
                print(pair.organization_id, explain(outcome))
            else:
                found.append(outcome)
        node: AsyncNode = client.v3.foo
        either: Node[Coroutine[None, None, Answer]] = node
        response: Answer = await either.get()
        response = await node._openid_.getAsync({"openid": "o1", "query": {}})
        response = await client["v3/foo"].chain("bar").postAsync(json={"a": 1})
        hasty: AsyncPalm = client.with_options(timeout=Timeouts(total_s=1.0))
        print(response.verified_by, await hasty.authorizations.get("o1", "1"))
        signed: SignedMessage = response.signed
        answered = await hasty.authorizations.get("o1", "1", keep_signed=True)
        kept: SignedMessage | None = answered.signed
        print(signed.message, kept)
    return found


def explain_refused(error: CertificateRefusedError | TimedOutError) -> str:
    """Say whose certificate is refused."""
    if isinstance(error, TimedOutError):
        return "nobody's"
    everywhere: bool = error.everywhere
    code: int = error.verify_code
    return f"{error.host}: {code}, {everywhere}"


def explain(error: PalmError) -> str:
    """Say what to do about an error, by its type alone."""
    said = "try again" if isinstance(error, TransientError) else "do not"
    match error:
        case SettingsError() | ArgumentError() | ClosedError() | EventLoopError():
            return "mend the program"
        case ThrottledError():
            pause: float | None = error.retry_after_s
            return f"wait {pause}"
        case UnauthorizedError() | ForbiddenError() | RefusedError():
            code: str | None = error.code
            detail: ErrorDetail | None = error.detail
            return f"refused: {code}, {detail.field if detail else None}"
        case ServerError() | PendingError() | APIError():
            verified: bool = error.verified
            return f"later: {verified}"
        case SignerTimeoutError():
            return "the key's service is slow"
        case PacerError():
            return "the pacer's service fails"
        case SignerError():
            return f"{error.method} {error.route} {error.host} {error.elapsed_s} {error.headers}"
        case (
            LocalResourceError()
            | ProxyAuthenticationError()
            | ConnectError()
            | DisconnectedError()
            | TransportError()
        ):
            return f"after {error.attempts}"
        case SignatureError():
            reason: SignatureReason = error.reason
            return f"not believed: {reason}"
        case MismatchError() | UnnamedError() | BodyError() | VerificationError():
            return f"not believed: {error.request_id}"
        case UnrecognizedStateError():
            state: str = error.state
            return state
        case NoStateError() | StateError():
            return f"{error.status}"
    return said


def sign() -> str:
    """Sign by hand."""
    signed: bytes = message("GET", "/v3/certificates", "1", "n", b"")
    return authorization("1", "2", signed.hex(), timestamp="1", nonce_str="n")


def from_paths(folder: Path) -> tuple[Palm, Palm]:
    """Return clients whose settings file is named by a path of either kind."""
    return Palm.from_env("palm.toml", timeout=5), Palm.from_env(folder / "palm.toml", rate=None)


def version() -> str:
    """Return which one this is."""
    return palm.__version__
