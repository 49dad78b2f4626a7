"""Client CPU per verified query, as a multiple of one RSA-2048 signature and one verification.

Run: ``python -m tests.benchmarks.queries``. The gateway runs in a process of its own; each round
measures both sides of the ratio one after the other, so that a noisy machine is noisy for both.
Start-up and imports are not counted: CPU time is read after a warm-up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from datetime import date
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from palm import AsyncPalm, Merchant
from palm.settings import Settings, read_config
from tests.benchmarks.gateway import running_gateway

CONCURRENCY = 32
ORGANIZATIONS = ("1001", "1002", "0042", "1004")


def crypto_us(merchant: Merchant, times: int = 1500) -> float:
    """Return microseconds of CPU for one signature and one verification."""
    text = b"GET\n/v3/palmservice/authorization/openid/o?organization_id=1\n1\nn\n\n"
    public = merchant.private_key.public_key()
    started = time.process_time()
    for _ in range(times):
        signature = merchant.private_key.sign(text, PKCS1v15(), SHA256())
        public.verify(signature, text, PKCS1v15(), SHA256())
    return (time.process_time() - started) / times * 1e6


async def queries_us(settings: Settings, queries: int) -> tuple[float, float]:
    """Return microseconds of CPU, and of wall time, per verified query."""
    numbers = iter(range(queries))
    async with AsyncPalm(
        merchant=settings.merchant(),
        keys=settings.verifying_keys(),
        base_url=settings.base_url,
        rate=1_000_000,
    ) as palm:

        async def work(numbers: object) -> None:
            for number in numbers:  # type: ignore[attr-defined]
                await palm.authorizations.get(f"o{number:027}", ORGANIZATIONS[number % 4])

        await work(iter(range(CONCURRENCY)))  # warm: connections, code, caches
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(work(numbers) for _ in range(CONCURRENCY)))
        return (
            (time.process_time() - cpu) / queries * 1e6,
            (time.perf_counter() - wall) / queries * 1e6,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    given = parser.parse_args()
    rounds = []
    with running_gateway(day=date(2026, 11, 21)) as folder:
        settings = Settings(**read_config(folder / "palm.toml"))
        for _ in range(given.rounds):
            before = crypto_us(settings.merchant())
            cpu, wall = asyncio.run(queries_us(settings, given.queries))
            crypto = (before + crypto_us(settings.merchant())) / 2
            rounds.append({"crypto_us": crypto, "cpu_us": cpu, "wall_us": wall})
            print(f"crypto {crypto:6.0f} us   query {cpu:6.0f} us CPU, {wall:6.0f} us wall   "
                  f"ratio {cpu / crypto:.2f}")  # fmt: skip
    ratios = sorted(each["cpu_us"] / each["crypto_us"] for each in rounds)
    print(
        f"ratio: median {statistics.median(ratios):.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f} "
        f"({given.rounds} rounds of {given.queries:,} queries, concurrency {CONCURRENCY})"
    )
    if given.json:
        given.json.write_text(json.dumps({"queries": given.queries, "rounds": rounds}, indent=2))


if __name__ == "__main__":
    main()
