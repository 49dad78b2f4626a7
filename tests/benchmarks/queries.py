"""Client CPU per verified query, as a multiple of one RSA-2048 signature and one verification.

Run: ``python -m tests.benchmarks.queries``. All clients ask the same gateway, which runs in a
process of its own, 32 questions at a time; in each round one client after the other, with the unit
measured before and after each, so that a noisy machine is noisy for both. What is not installed
is left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any, Final

from palm.settings import Settings, read_config
from tests.benchmarks.clients import CONCURRENCY, ORGANIZATIONS, WARM
from tests.benchmarks.crypto import crypto_us
from tests.benchmarks.gateway import running_gateway
from tests.benchmarks.result import Spread, finish, markdown, options

TARGETS: Final = {"over_crypto": 1.6, "over_wechatpay_axios_plugin": 0.5}
_HERE: Final = Path(__file__).parent
_MODULES: Final = _HERE.parent / "interop" / "node" / "node_modules"
_NAMES: Final = {
    "ours": "palm-reconcile",
    "ours-uvloop": "palm-reconcile, on uvloop",
    "wechatpay-axios-plugin": "wechatpay-axios-plugin (Node)",
    "wechatpayv3": "wechatpayv3, threads",
    "wechatpayv3-async": "wechatpayv3, async",
}


def missing(name: str) -> str | None:
    """Return why a client cannot be measured; None: it can."""
    if name == "wechatpay-axios-plugin":
        if which("node") is None:
            return "node is not installed"
        return None if (_MODULES / name).is_dir() else "run npm ci in tests/interop/node"
    needed = {
        "ours-uvloop": ["uvloop"],
        "wechatpayv3": ["wechatpayv3"],
        "wechatpayv3-async": ["wechatpayv3", "httpx", "aiofiles"],
    }
    absent = [module for module in needed.get(name, []) if find_spec(module) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def measure(name: str, folder: Path, queries: int) -> dict[str, float]:
    """Return microseconds of CPU and of wall time per query of one client."""
    if name == "wechatpay-axios-plugin":
        command, given = ["node", str(_HERE / "client.js"), str(_MODULES)], _for_node(folder)
        text = json.dumps({**given, "queries": queries})
    else:
        command = [sys.executable, "-m", "tests.benchmarks.clients", name, str(folder)]
        command, text = [*command, str(queries)], ""
    ran = subprocess.run(command, check=True, input=text, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def _for_node(folder: Path) -> dict[str, Any]:
    settings = json.loads((folder / "settings.json").read_text())
    config = {
        "baseURL": settings["base_url"],
        "mchid": settings["mchid"],
        "serial": settings["merchant_serial"],
        "privateKey": (folder / "merchant_key.pem").read_text(),
        "certs": {settings["public_key_id"]: (folder / "wechatpay_pub.pem").read_text()},
        "timeout": 10_000,
    }
    return {
        "config": config,
        "concurrency": CONCURRENCY,
        "organizations": ORGANIZATIONS,
        "warm": WARM,
    }


def main() -> None:
    parser = options(__doc__, rounds=5)
    parser.add_argument("--queries", type=int, default=5_000, help="of each client in each round")
    parser.add_argument("--only", nargs="+", choices=_NAMES, help="these clients only")
    given = parser.parse_args()
    why = {name: missing(name) for name in given.only or _NAMES}
    for name, reason in why.items():
        if reason:
            print(f"{_NAMES[name]}: left out, {reason}", file=sys.stderr)
    names = [name for name, reason in why.items() if reason is None]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with running_gateway(day=date(2026, 11, 21)) as folder:
        key = Settings(**read_config(folder / "palm.toml")).merchant().private_key
        for _ in range(given.rounds):
            unit = crypto_us(key)
            for name in names:
                measured = measure(name, folder, given.queries)
                before, unit = unit, crypto_us(key)
                found[name].append({**measured, "crypto_us": (before + unit) / 2})
    _show(given, names, found)


def _show(
    given: argparse.Namespace, names: list[str], found: dict[str, list[dict[str, float]]]
) -> None:
    def spread(name: str, value: Callable[[int], float], digits: int) -> str:
        return Spread.of(value(at) for at in range(given.rounds)).text(digits)

    ratios = {name: [each["cpu_us"] / each["crypto_us"] for each in found[name]] for name in names}
    peer = ratios.get("wechatpay-axios-plugin")
    rows = [
        [
            _NAMES[name],
            spread(name, ratios[name].__getitem__, 2),
            spread(name, lambda at: ratios[name][at] / peer[at], 2) if peer else "",  # noqa: B023
            spread(name, lambda at: found[name][at]["cpu_us"], 0),  # noqa: B023
            spread(name, lambda at: found[name][at]["wall_us"], 0),  # noqa: B023
        ]
        for name in names
    ]
    header = ["client", "CPU / (sign + verify)", "/ axios-plugin's", "us CPU", "us wall"]
    unit = Spread.of(each["crypto_us"] for name in names for each in found[name])
    text = (
        f"Per verified query; median of {given.rounds} rounds (least to most) of "
        f"{given.queries:,} queries, concurrency {CONCURRENCY}.\n"
        f"One signature and one verification: {unit.text(0)} us. "
        f"Wanted: at most {TARGETS['over_crypto']}, "
        f"and {TARGETS['over_wechatpay_axios_plugin']} of axios-plugin's.\n\n"
        f"{markdown(header, rows)}"
    )
    finish(
        given,
        text,
        {"targets": TARGETS, "queries": given.queries, "ratios": ratios, "rounds": found},
        **_versions(names),
    )


def _versions(names: list[str]) -> dict[str, str]:
    name = "wechatpay-axios-plugin"
    if name not in names:
        return {}
    package = json.loads((_MODULES / name / "package.json").read_text())
    node = subprocess.run(["node", "--version"], check=True, stdout=subprocess.PIPE, text=True)
    return {name: package["version"], "node": node.stdout.strip()}


if __name__ == "__main__":
    main()
