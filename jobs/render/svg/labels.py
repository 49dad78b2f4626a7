"""Labels at the ends of lines, moved apart where they would stand on each other. Pure."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["spread"]


def spread(wanted: Sequence[float], height: float, low: float, high: float) -> list[float]:
    """Return where labels stand: as near to where they are wanted as they can without touching.

    Their order stays. Where there is not room for all of them, they are as far apart as there is.

    Args:
        wanted: The middle of each label, in any order.
        height: Of a label.
        low: The least coordinate of a middle.
        high: The greatest coordinate of a middle.
    """
    if len(wanted) > 1:
        height = min(height, (high - low) / (len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    groups: list[tuple[float, list[int]]] = []  # where the first label of the group stands
    for at in order:
        top, own = _held(wanted[at], 1, height, low, high), [at]
        while groups and groups[-1][0] + height * len(groups[-1][1]) > top:
            own = groups.pop()[1] + own
            middle = sum(wanted[each] - height * n for n, each in enumerate(own)) / len(own)
            top = _held(middle, len(own), height, low, high)
        groups.append((top, own))
    placed = [0.0] * len(wanted)
    for top, own in groups:
        for number, at in enumerate(own):
            placed[at] = top + number * height
    return placed


def _held(top: float, labels: int, height: float, low: float, high: float) -> float:
    """Return where the first of several labels stands so that all are between the two ends."""
    return max(low, min(top, high - (labels - 1) * height))
