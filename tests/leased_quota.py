"""Virtual time: processes with leases on one quota, a network that delays and loses, bad machines.

Only the ledger, the members and the spacing of requests are real. Time is a number; the gateway
counts when each request arrives.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from jobs.cluster.quota.ledger import Ledger
from jobs.cluster.quota.member import Member
from jobs.cluster.quota.messages import Question, Reply
from jobs.cluster.quota.rules import LeaseRules
from palm import Clock
from palm.resilience.spacing import Spacing

RULES = LeaseRules()
POLL_S = 0.05
SHORTEST_TIMER_S = 0.001
LOOK_BACK_S = RULES.settled_s + RULES.drift_s
"""For so long, a member that hears nothing may use what an earlier quota allowed."""
Delay = float | None


@dataclass
class Kinds:
    """The classes that a night is made of; a mutant replaces one of them."""

    ledger: type[Ledger] = Ledger
    member: type[Member] = Member


@dataclass
class Process:
    """A worker process: its clocks, its member, and the requests that it sends."""

    night: Night
    name: str
    want: int | None = None
    path_s: float = 0.0
    wall_off: float = 0.0
    boot_off: float = 0.0
    stopped_until: float = 0.0
    is_set_back: bool = False
    is_alive: bool = True
    sent: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = Clock(
            elapsed=lambda: self.night.now + self.boot_off,
            wall=lambda: 1e9 + self.night.now + self.wall_off,
        )
        self.member = self.night.kinds.member(self.name, clock=clock)
        self._spacing = Spacing(1.0)
        self._turn = 0
        self._poll()

    def does(self, work: Callable[[], None]) -> Callable[[], None]:
        """Return what happens when the process runs again; nothing if it is dead by then."""

        def run() -> None:
            if not self.is_alive:
                return
            if self.night.now < self.stopped_until:
                self.night.at(self.stopped_until, run)
            else:
                work()

        return run

    def receive(self, reply: Reply) -> None:
        if self.member.receive(Reply.from_json(reply.to_json())):
            if self.member.share:
                self._spacing.set_quota(self.member.rate)
            self._go_on()
        if self.member.is_due:
            self._ask()

    def set_want(self, want: int | None) -> None:
        self.want = want
        self._go_on()

    def _poll(self) -> None:
        if self.member.is_due:
            self._ask()
        self.night.at(self.night.now + POLL_S, self.does(self._poll))

    def _ask(self) -> None:
        self.night.post(self, self.member.question(self.want))

    def _go_on(self) -> None:
        """Send the next request as soon as the spacing allows it."""
        self._turn += 1
        turn = self._turn
        if self.want != 0 and self.member.share:
            at = max(self._spacing.earliest(self.night.now), self.night.now + SHORTEST_TIMER_S)
            if self.want is not None and self.sent:
                at = max(at, self.sent[-1] + 1 / self.want)
            self.night.at(at, self.does(lambda: self._send(turn)))

    def _send(self, turn: int) -> None:
        """Send a request, unless the share changed since it was let through."""
        if turn == self._turn and self.member.share and self._spacing.admit(self.night.now):
            self.sent.append(self.night.now)
            self.night.arrivals.append(self.night.now + self.path_s)
        if turn == self._turn:
            self._go_on()


class Night:
    """Some processes and the command, from second 0 on.

    Args:
        rate: Requests per second of all together.
        network: Seconds that each message takes, or None if it is lost; again from the beginning.
        kinds: The classes to use.

    Attributes:
        now: The time.
        arrivals: When each request arrived at the gateway.
        processes: All that ever were.
    """

    def __init__(
        self, rate: float, network: Sequence[Delay] = (0.01,), kinds: Kinds | None = None
    ) -> None:
        self.now = 0.0
        self.kinds = kinds or Kinds()
        self.arrivals: list[float] = []
        self.processes: list[Process] = []
        self._network, self._sent = network, count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._command_stopped_until = self._paused_until = 0.0
        self.ledger = self.kinds.ledger(rate, started_at=0.0)
        self._quotas = [(0.0, self.ledger.quota)]

    def at(self, time: float, work: Callable[[], None]) -> None:
        heapq.heappush(self._events, (max(time, self.now), next(self._order), work))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, work = heapq.heappop(self._events)
            work()
        self.now = until

    def join(self, want: int | None = None, path_s: float = 0.0) -> Process:
        process = Process(self, f"member-{len(self.processes)}", want, path_s)
        self.processes.append(process)
        return process

    def post(self, process: Process, question: Question) -> None:
        self._carry(lambda: self._answer(process, Question.from_json(question.to_json())))

    def _answer(self, process: Process, question: Question) -> None:
        if self.now < self._command_stopped_until:
            self.at(self._command_stopped_until, lambda: self._answer(process, question))
            return
        reply = self.ledger.answer(
            question, self.now, grants=lambda _: self.now >= self._paused_until
        )
        if reply is not None:
            self._carry(process.does(lambda: process.receive(reply)))

    def _carry(self, deliver: Callable[[], None]) -> None:
        delay = self._network[next(self._sent) % len(self._network)]
        if delay is not None:
            self.at(self.now + delay, deliver)

    # --- what happens; ``which`` is taken modulo the number of processes

    def _process(self, which: int) -> Process:
        return self.processes[which % len(self.processes)]

    def stop(self, which: int, seconds: float) -> None:
        """As by SIGSTOP, or a laptop that sleeps: nothing runs, and both clocks do."""
        process = self._process(which)
        process.stopped_until = max(process.stopped_until, self.now + seconds)

    def suspend(self, which: int, seconds: float) -> None:
        """As a virtual machine: only the wall clock knows afterwards."""
        process = self._process(which)
        self.stop(which, seconds)
        if not process.is_set_back:
            process.boot_off -= seconds

    def set_wall(self, which: int, seconds: float) -> None:
        """Set the wall clock. Of two clocks, one must be right, or no lease can be kept."""
        process = self._process(which)
        if seconds > 0 or not process.boot_off:
            process.wall_off += seconds
            process.is_set_back |= seconds < 0

    def die(self, which: int, _: float) -> None:
        self._process(which).is_alive = False

    def arrive(self, which: int, _: float) -> None:
        self.join(path_s=(which % 3) / 10)

    def want(self, which: int, seconds: float) -> None:
        self._process(which).set_want([None, 0, 3][int(seconds) % 3])

    def stop_command(self, _: int, seconds: float) -> None:
        self._command_stopped_until = max(self._command_stopped_until, self.now + seconds)

    def restart(self, _: int, seconds: float) -> None:
        """Another command begins, after some seconds without any."""
        self.stop_command(0, seconds)
        started_at = self._command_stopped_until
        self.ledger = self.kinds.ledger(self.ledger.rate, started_at=started_at)

    def change_rate(self, which: int, seconds: float) -> None:
        self.ledger.rate = max(0.3, self.ledger.rate * (0.7, 1.3, 0.1, 3.0)[which % 4])
        self._quotas.append((self.now, self.ledger.quota))
        self._paused_until = max(self._paused_until, self.now + seconds / 4)

    # --- what came of it

    def overrun(self) -> int:
        """Return by how many requests the worst second exceeds the quota; at most 0 is right."""
        times = sorted(self.arrivals)
        worst = -self.ledger.quota
        for index, at in enumerate(times):
            requests = index + 1 - bisect_right(times, at - 1)
            worst = max(worst, requests - self._allowed(at))
        return worst

    def _allowed(self, at: float) -> int:
        changes = [time for time, _ in self._quotas]
        first = max(0, bisect_right(changes, at - LOOK_BACK_S) - 1)
        return max(quota for _, quota in self._quotas[first : bisect_right(changes, at)])

    def used(self, since: float, until: float) -> float:
        """Return which part of the quota was used in a period in which it stayed the same."""
        arrived = sum(since < at <= until for at in self.arrivals)
        return arrived / (self.ledger.quota * (until - since))
