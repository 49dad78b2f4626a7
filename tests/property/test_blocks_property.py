"""jobs.input.blocks: whatever is odd, wherever a block ends, the result is that of line by line."""

from hypothesis import example, given
from hypothesis import strategies as st

from tests.reading import assert_same_in_any_block

HEADERS = st.sampled_from(
    [
        "openid,organization_id",
        "organization_id,openid,note",
        "sep=;\r\nname;openid;organization_id",
        'title\n\n"na\nme"\topenid\torganization_id\tnote',
        "id,organization_id,openid,of",
    ]
)
CELL = st.text(st.sampled_from("ab'\u200b学ß €\x85\t\0="), max_size=4)
KEY = st.text(st.sampled_from("oO19_-"), min_size=1, max_size=4)
ODD = st.sampled_from(
    [
        "\n", " \n", "\r", "\r\n\r\n", '"', '"a\nb"', '"' + "\n" * 11 + '"', ', "a, b"', "o,1\n",
        "oA,1,a,b,c,d\n", "\ufeff", "'=1", "'", "`", " ", "\u3000", "\x1f", "\xa0", "o" * 129,
        "1" * 65, "OPENID", "openid,organization_id\n", "openid;x;organization_id",
        "organization_id\topenid",
    ]
)  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Return a CSV text of mostly clean lines, with a few oddities anywhere in it."""
    header = draw(HEADERS)
    delimiter = next(each for each in "\t;," if each in header.rsplit("\n", 1)[-1])
    names = header.rsplit("\n", 1)[-1].split(delimiter)
    keys = {"openid", "organization_id"}
    quote = draw(st.sampled_from(["", '"']))
    cell = CELL | st.just(f"a{delimiter}b") if quote else CELL
    fields = st.tuples(*(KEY if name in keys else cell for name in names))
    line = fields.map(lambda row: delimiter.join(f"{quote}{each}{quote}" for each in row))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = [header, *draw(st.lists(line, min_size=1, max_size=12))]
    text = end.join(lines) + draw(st.sampled_from(["", end]))
    for odd in draw(st.lists(ODD, max_size=3)):
        ends = [at + 1 for at, character in enumerate(text) if character == "\n"]
        at = draw(st.sampled_from(ends)) if draw(st.booleans()) else draw(st.integers(0, len(text)))
        text = text[:at] + odd + text[at:]
    return text


@given(
    texts(),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    st.lists(st.integers(1, 120), min_size=1, max_size=3),
)
@example("openid,organization_id\noA,1\n\ufeffoB,1\n", "utf-8", [1])
@example("openid,organization_id,a,b\noA,1,openid,organization_id\n", "utf-8", [200])
@example('openid,organization_id\n"oA",1\n\noB,1\n', "utf-8", [1, 8])
def test_size_of_a_block_makes_no_difference(text, encoding, sizes):
    assert_same_in_any_block(text.encode(encoding), sizes=sizes)
