"""jobs.input.line_stats: the first 1,000 invalid lines are listed, and all are counted."""

from jobs.input.line_stats import Reason
from tests.unit.jobs.input.test_valid_records import sort


def test_first_thousand_are_listed_and_all_are_counted():
    rows, stats = sort(",1\n" * 995 + "o,1," + '"' + "\n" * 20 + '"\n' + "\n" * 50 + "o,1\n")
    assert len(rows) == 1
    assert stats.invalid == 995 + 21 + 50
    assert stats.by_reason == {
        Reason.OPENID_EMPTY: 995,
        Reason.MANY_LINES: 21,
        Reason.BLANK: 50,
    }
    assert [line for line, _ in stats.listed] == list(range(1, 1001))
    assert stats.first_of == {
        Reason.OPENID_EMPTY: 1,
        Reason.MANY_LINES: 996,
        Reason.BLANK: 1017,
    }
