"""What travels between a member and the command is plain JSON, and comes back as it was."""

from __future__ import annotations

import json

import pytest

from jobs.cluster.quota.messages import Counts, Question, Reply


@pytest.mark.parametrize(
    "message",
    [
        Question("host-1234-ab", 3, 5, None, Counts(1, 20, 3, 1.5, 17, 3, 2)),
        Question("host-1234-ab", 3, 5, 0),
        Reply("host-1234-ab", 3, 5, 5.0, 2.5, 1, is_outage=True, cancel="deadline"),
        Reply("host-1234-ab", 3, 0, 0.0, 3.0),
    ],
)
def test_a_message_is_the_same_after_its_way_as_json(message):
    text = json.dumps(message.to_json(), allow_nan=False)
    assert type(message).from_json(json.loads(text)) == message


def test_what_a_later_version_adds_is_ignored():
    reply = Reply("a", 1, 2, 2.0, 3.0)
    assert Reply.from_json({**reply.to_json(), "more": 1}) == reply
