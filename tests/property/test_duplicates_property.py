"""jobs.input.pairs: which records repeat a pair is what pandas' groups say."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from jobs.input.pairs import parse_pairs

# The crc32 of each two of these is the same, below any organization.
ALIKE = ["plumless", "buckeroo", "oAplumless", "oAbuckeroo"]
OPENIDS = st.sampled_from([*ALIKE, "oA", "oB", "o" * 128])
ROWS = st.lists(st.tuples(OPENIDS, st.sampled_from(["1", "01", "食堂"])), min_size=1, max_size=30)


@given(ROWS)
def test_first_record_of_each_group_is_kept_and_the_others_are_counted(rows):
    text = "openid,organization_id\n" + "".join(f"{o},{n}\n" for o, n in rows)
    found = parse_pairs(text.encode(), name="p.csv")
    records = pd.DataFrame(rows, columns=["openid", "organization_id"])
    groups = records.groupby(["openid", "organization_id"], sort=False)
    keys = found.pairs[["openid", "organization_id"]].astype(object).to_numpy().tolist()
    assert [tuple(key) for key in keys] == list(groups.groups)
    assert found.pairs["input_duplicates"].to_list() == (groups.size() - 1).to_list()
    firsts = [min(index) + 2 for index in groups.groups.values()]
    assert found.pairs["input_line"].to_list() == firsts
    assert found.duplicates == len(rows) - len(groups)
