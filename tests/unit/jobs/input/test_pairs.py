"""jobs.input.pairs: a CSV text as a frame, and the account of its lines."""

import gzip
import hashlib
import io
import zlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jobs.errors import InputError
from jobs.input.options import InputOptions
from jobs.input.pairs import Input, InvalidLine, Reason, read_pairs
from jobs.schema import PAIRS, conform
from tests.reading import parse_in_every_way

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
HEADER = "openid,organization_id\n"


def parse(text: str | bytes, **options) -> Input:
    content = text.encode() if isinstance(text, str) else text
    found = parse_in_every_way(content, name="p.csv", **options)
    assert found.lines == len(found.pairs) + found.duplicates + found.invalid
    return found


def refusal(text: str | bytes, **options) -> str:
    with pytest.raises(InputError) as caught:
        parse(text, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_everything_about_a_small_input():
    found = parse(
        f"openid,organization_id,name\n{OPENID},0042,Li\n,1,\noB,0042,\n{OPENID},0042,x\n"
    )
    expected = pd.DataFrame(
        {
            "organization_id": ["0042", "0042"],
            "openid": [OPENID, "oB"],
            "name": ["Li", ""],
            "input_line": [2, 4],
            "input_duplicates": [1, 0],
        }
    )
    pd.testing.assert_frame_equal(found.pairs, conform(expected, PAIRS))
    assert (found.lines, found.duplicates, found.invalid) == (4, 1, 1)
    assert found.invalid_lines == (InvalidLine(3, Reason.OPENID_EMPTY),)
    assert found.invalid_by_reason == {"openid is empty": 1}
    assert found.continuation_lines == 0
    assert found.unusual_openids == 1
    assert (found.encoding, found.delimiter) == ("utf-8", ",")


def test_frame_conforms_and_is_numbered_from_nought():
    pairs = parse("name,organization_id,openid,x\nLi,1,oA,\nHan,2,oA,\nLi,1,oA,\nWu,1,oB,\n").pairs
    assert isinstance(pairs.index, pd.RangeIndex)
    assert list(pairs.index) == [0, 1, 2]
    assert list(pairs.columns) == [
        "organization_id", "openid", "name", "x", "input_line", "input_duplicates",
    ]  # fmt: skip
    assert pairs.dtypes.astype(str).to_list() == [
        "category", "str", "str", "str", "int64", "int32",
    ]  # fmt: skip
    assert pairs["openid"].dtype == PAIRS["openid"]
    assert list(pairs["organization_id"].cat.categories) == ["1", "2"]
    pd.testing.assert_frame_equal(pairs, conform(pairs, PAIRS))


def test_first_line_of_a_pair_wins_and_counts_the_others():
    found = parse("openid,organization_id,n\noA,1,a\noB,1,b\noA,1,c\noA,2,d\noB,1,e\noA,1,f\n")
    assert found.pairs["n"].to_list() == ["a", "b", "d"]
    assert found.pairs["input_line"].to_list() == [2, 3, 5]
    assert found.pairs["input_duplicates"].to_list() == [2, 1, 0]
    assert found.duplicates == 3


def test_pairs_of_the_same_hash_are_different_pairs():
    """The crc32 of these two openids is the same, below any organization."""
    one, other = "plumless", "buckeroo"
    assert zlib.crc32(one.encode()) == zlib.crc32(other.encode())
    found = parse(HEADER + f"{one},1\n{other},1\noA,1\n{other},1\n{one},2\n")
    assert found.pairs["openid"].to_list() == [one, other, "oA", one]
    assert found.pairs["input_duplicates"].to_list() == [0, 1, 0, 0]
    assert found.pairs["input_line"].to_list() == [2, 3, 4, 6]


def test_keys_that_differ_in_case_or_order_are_different_pairs():
    assert len(parse(HEADER + "oA,1\noa,1\n1,oA\noA,01\noA,1.0\n").pairs) == 5


def test_keys_that_differ_in_outer_spaces_only_are_one_pair():
    found = parse(HEADER + "oA,1\n oA , 1\n")
    assert found.pairs[["openid", "organization_id"]].to_numpy().tolist() == [["oA", "1"]]
    assert found.duplicates == 1


@pytest.mark.parametrize(
    "cell", ["0042", "NA", "null", "nan", "None", "", " x ", "1e5", "TRUE", "a\0b"]
)
def test_carried_cell_stays_the_text_it_is(cell):
    assert parse(f"openid,organization_id,x\noA,1,{cell}\n").pairs["x"].to_list() == [cell]


def test_carried_field_that_is_not_there_is_missing():
    pairs = parse("openid,organization_id,x,y\noA,1,\noA,2\n").pairs
    assert pairs["x"].isna().to_list() == [False, True]
    assert pairs["y"].isna().to_list() == [True, True]
    assert pairs["y"].dtype == PAIRS["openid"]


def test_organization_called_na_stays_text():
    assert parse(HEADER + "oA,NA\n").pairs["organization_id"].to_list() == ["NA"]


def test_carried_names_do_not_clash_with_the_report_s():
    found = parse("state,openid,organization_id,input_line\ns,oA,1,z\n")
    assert found.pairs["input_state"].to_list() == ["s"]
    assert found.pairs["input_input_line"].to_list() == ["z"]
    assert found.pairs["input_line"].to_list() == [2]


def test_other_columns_can_be_the_keys():
    found = parse("openid;卡号;学校\nx;oA;1\n", openid_column="卡号", organization_column="学校")
    assert found.delimiter == ";"
    assert found.pairs[["openid", "organization_id", "input_openid"]].to_numpy().tolist() == [
        ["oA", "1", "x"]
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_chinese_text_is_read_in_each_encoding(encoding, delimiter):
    text = "openid,organization_id,姓名\r\noA,1,李雷\r\n".replace(",", delimiter)
    found = parse(text.encode(encoding))
    assert found.pairs["姓名"].to_list() == ["李雷"]
    assert found.encoding == encoding.removesuffix("-sig")
    assert found.delimiter == delimiter


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_byte_order_mark_goes_though_the_encoding_is_forced(encoding):
    found = parse('\ufeff"openid",organization_id\noA,1\n'.encode(encoding), encoding=encoding)
    assert found.pairs.columns[:2].to_list() == ["organization_id", "openid"]
    assert found.pairs["input_line"].to_list() == [2]


def test_forced_encoding_is_used():
    content = "openid,organization_id,x\noA,1,許\n".encode("big5")
    assert parse(content, encoding="big5").pairs["x"].to_list() == ["許"]


def test_codec_that_makes_halves_of_characters_is_refused():
    content = b"openid,organization_id\noA+2AA-,1\n"
    assert "is not text in utf-7" in refusal(content, encoding="utf-7")


def test_lines_are_numbered_from_the_first_of_the_file():
    found = parse('\n \nopenid,organization_id,"x\ny"\noA,1\n\noB,1,"a\nb"\noC,1\n\n\n')
    assert found.pairs["input_line"].to_list() == [5, 7, 9]
    assert found.invalid_lines == (InvalidLine(6, Reason.BLANK),)
    assert (found.lines, found.continuation_lines) == (4, 1)


def test_repeated_record_may_go_on_too():
    found = parse('openid,organization_id,x\noA,1,"a\nb"\noA,1,"c\nd\ne"\n')
    assert (found.lines, found.duplicates, found.continuation_lines) == (2, 1, 3)
    assert found.pairs["x"].to_list() == ["a\nb"]


@pytest.mark.slow
def test_lines_after_a_chunk_keep_their_order():
    count = 12_345
    lines = [f"o{number % 10_000},{number % 7}" for number in range(count)]
    found = parse(HEADER + "\n".join(lines))
    first = list(dict.fromkeys(lines))
    assert (
        found.pairs["openid"] + "," + found.pairs["organization_id"].astype("str")
    ).to_list() == first
    assert found.pairs["input_line"].to_list() == [lines.index(line) + 2 for line in first]
    assert found.duplicates == count - len(first) == found.pairs["input_duplicates"].sum()
    assert found.pairs["input_duplicates"].dtype == np.int32


def test_column_that_is_there_in_later_chunks_only_is_text():
    text = "openid,organization_id,x\n" + "".join(f"o{n},1\n" for n in range(6000)) + "oX,1,text\n"
    column = parse(text).pairs["x"]
    assert column.dtype == PAIRS["openid"]
    assert column.count() == 1


@pytest.mark.parametrize(
    ("openid", "unusual"),
    [
        (OPENID, 0),
        (OPENID.upper(), 1),
        (OPENID[:-1], 1),
        (OPENID + "x", 1),
        (OPENID[:-1] + "+", 1),
        ("x" + OPENID[1:], 1),
    ],
)
def test_unusual_openids_are_counted_and_kept(openid, unusual):
    found = parse(HEADER + f"{openid},1\n{openid},1\n")
    assert found.unusual_openids == unusual
    assert found.pairs["openid"].to_list() == [openid]


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf", b" \r\n\r\n", b"\xff\xfe"])
def test_empty_input_is_refused(content):
    assert refusal(content) == "p.csv: is empty; it needs a header line and pairs below it"


@pytest.mark.parametrize("text", [HEADER, HEADER.strip(), HEADER + "\n \n"])
def test_header_alone_is_refused(text):
    assert refusal(text) == "p.csv: no line below the header; it needs pairs there"


def test_input_without_a_valid_pair_tells_the_commonest_reason():
    text = refusal(HEADER + f"{OPENID},\n,1\n,2\n")
    assert text == (
        "p.csv: no valid pair: 3 invalid lines, 2 of them for this reason: openid is empty "
        "(first on line 3); mend the file"
    )


def test_open_quote_is_refused_and_located():
    assert refusal(HEADER + 'oA,1\noB,"1\noC,1\n').startswith("p.csv: line 3: a quote is opened")


def test_no_reason_and_no_error_holds_an_openid():
    found = parse(HEADER + f"{OPENID},1\n{OPENID * 9},1\n{OPENID}\x07,1\n{OPENID},\n")
    assert found.invalid == 3
    assert OPENID not in repr(found.invalid_lines) + repr(found.invalid_by_reason)


def test_hash_is_of_the_content():
    content = (HEADER + "oA,1\n").encode()
    assert parse(content).sha256 == hashlib.sha256(content).hexdigest()


def test_file_is_read_by_name(tmp_path):
    path = tmp_path / "学校.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "oA,1\n").encode()))
    found = read_pairs(InputOptions(source=str(path)))
    assert found.name == str(path)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(found.pairs) == 1


def test_standard_input_is_read_for_a_dash_with_all_options():
    content = "A\tB\noA\t許\n".encode("big5")
    found = read_pairs(
        InputOptions(source="-", openid_column="a", organization_column="b", encoding="big5"),
        stdin=io.BytesIO(content),
    )
    assert found.name == "standard input"
    assert found.pairs["organization_id"].to_list() == ["許"]


def test_errors_name_standard_input():
    with pytest.raises(InputError, match=r"^standard input: is empty"):
        read_pairs(InputOptions(source="-"), stdin=io.BytesIO(b""))


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_packed_file_with_nothing_in_it_is_empty(tmp_path, suffix):
    path = tmp_path / f"p{suffix}"
    sink = pa.BufferOutputStream()
    pa.CompressedOutputStream(sink, {".gz": "gzip", ".zst": "zstd"}[suffix]).close()
    path.write_bytes(sink.getvalue().to_pybytes())
    with pytest.raises(InputError, match="is empty"):
        read_pairs(InputOptions(source=str(path)))


def test_parquet_file_given_by_mistake_is_recognised(tmp_path):
    path = tmp_path / "report.parquet"
    pd.DataFrame({"openid": ["oA"]}).to_parquet(path)
    with pytest.raises(InputError, match="looks like a Parquet file"):
        read_pairs(InputOptions(source=str(path)))
