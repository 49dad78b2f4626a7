"""Files as spreadsheets, exports and people leave them: what is asked, and what is said."""

from __future__ import annotations

import codecs

import duckdb
import pandas as pd
import pytest

from jobs.errors import InputError
from jobs.input.pairs import Damage, Reason, parse_pairs

PEOPLE = [f"oCase{number:02}{'a' * 21}" for number in range(6)]
HEADER = "openid,organization_id"


def lines(*organizations, header=HEADER):
    return "\n".join(
        [header, *(f"{one},{other}" for one, other in zip(PEOPLE, organizations, strict=False))]
    )


def read(text, **options):
    content = text if isinstance(text, bytes) else text.encode()
    found = parse_pairs(content, name="p.csv", **options)
    assert found.lines == len(found.pairs) + found.duplicates + found.invalid
    return found


def organizations(found):
    return found.pairs["organization_id"].astype(str).tolist()


DECORATED = {
    "a blank before a quote": '"{}", "1004"',
    "blanks before a quote": '"{}",   "1004"',
    "a blank before the quotes of the openid": ' "{}",1004',
    "text for Excel": '{},"=""1004"""',
    "both as text for Excel": '"=""{}""","=""1004"""',
    "text for Excel, unquoted": '{},="1004"',
    "guarded text for Excel": '{},\'="1004"',
    "no-break space": "{}\u00a0,1004\u00a0",
    "ideographic space": "\u3000{},\u30001004",
    "tab": "{}\t,\t1004",
    "zero-width space": "{}\u200b,\u200b1004",
    "byte order mark": "\ufeff{},1004\ufeff",
    "word joiner": "{},\u20601004",
    "direction marks": "\u202d{}\u202c,\u200e1004",
    "soft hyphen": "{},1004\u00ad",
    "quotes doubled": '"""{}""",1004',
    "narrow no-break space": "{},\u202f1004",
}


@pytest.mark.parametrize("line", DECORATED.values(), ids=DECORATED.keys())
def test_decoration_round_a_key_is_taken_off_and_counted(line):
    text = "\n".join([HEADER, *(line.format(openid) for openid in PEOPLE[:3])])
    found = read(text)
    assert found.pairs["openid"].tolist() == PEOPLE[:3]
    assert organizations(found) == ["1004"] * 3
    assert (found.decorated, found.first_decorated) == (3, 2)
    assert (found.damaged, found.invalid, found.unusual_openids) == ((), 0, 0)


def test_two_spellings_that_differ_in_decoration_only_are_one_pair():
    found = read(f'{HEADER}\n{PEOPLE[0]},1004\n"{PEOPLE[0]}", "1004"\n{PEOPLE[0]}\u00a0,1004\n')
    assert (len(found.pairs), found.duplicates) == (1, 2)


def test_a_plain_file_has_no_decoration():
    found = read(lines("1004", "0042"))
    assert (found.decorated, found.first_decorated) == (0, 0)


def test_a_quoted_field_behind_a_blank_may_hold_the_delimiter():
    found = read(f'{HEADER},name\n"{PEOPLE[0]}", "1004", "Li, Lei"\n')
    assert found.pairs["name"].tolist() == ["Li, Lei"]


def test_a_blank_before_a_quote_that_is_never_closed_is_text():
    found = read(f'{HEADER},name\n{PEOPLE[0]},1004, "Li\n{PEOPLE[1]},1004,x\n')
    assert found.pairs["name"].tolist() == [' "Li', "x"]


def test_backticks_of_a_bill_come_off_every_field():
    text = "`openid,`organization_id,`姓名\n" + "".join(f"`{one},`1004,`张\n" for one in PEOPLE[:4])
    found = read(text)
    assert found.pairs["openid"].tolist() == PEOPLE[:4]
    assert organizations(found) == ["1004"] * 4
    assert found.pairs["姓名"].tolist() == ["张"] * 4
    assert found.decorated == 4


def test_backticks_are_text_where_not_every_field_of_the_header_begins_with_one():
    found = read(f"{HEADER},`x\n{PEOPLE[0]},1004,`y\n")
    assert found.pairs["`x"].tolist() == ["`y"]


DAMAGED = {
    "float": (("1004.0", "1004.0", "1.00E+03", "1004"), ("organization_id", (".0", "E+"), 3, 2)),
    "full width": (
        ("１００４", "1004", "１００４"),
        ("organization_id", ("full-width digits",), 2, 2),
    ),
    "formula": (("1004", "=A1+4"), ("organization_id", ("=",), 1, 3)),
    "blank inside": (("1004", "10 04"), ("organization_id", ("blanks inside",), 1, 3)),
    "no-break space inside": (("10\u00a004",), ("organization_id", ("blanks inside",), 1, 2)),
    "quote inside": (("1004", '"10""04"'), ("organization_id", ("quotes inside",), 1, 3)),
}


@pytest.mark.parametrize(("given", "damage"), DAMAGED.values(), ids=DAMAGED.keys())
def test_what_may_be_damage_is_asked_as_it_stands_with_a_warning(given, damage):
    found = read(lines(*given))
    assert found.damaged == (Damage(*damage),)
    assert organizations(found) == [text.replace('"10""04"', '10"04') for text in given]


def test_a_damaged_openid_is_named_apart_from_damaged_organizations():
    found = read(f"{HEADER}\n1.0E+27,1004.0\n{PEOPLE[0]},1004\n")
    assert found.damaged == (
        Damage("openid", ("E+",), 1, 2), Damage("organization_id", (".0",), 1, 2),
    )  # fmt: skip


@pytest.mark.parametrize("again", ["openid,organization_id", "OpenID,Organization_ID",
                                   "\ufeffopenid,organization_id", '"openid", "organization_id"',
                                   "OPENID , ORGANIZATION_ID"])  # fmt: skip
def test_the_header_again_is_an_invalid_line(again):
    found = read(f"{lines('1004', '1004')}\n{again}\n{PEOPLE[2]},1004\n")
    assert len(found.pairs) == 3
    assert found.invalid_lines == ((4, Reason.HEADER_AGAIN),)


@pytest.mark.parametrize(
    "other",
    [
        "organization_id,openid,x",
        "x,openid,organization_id",
        "OPENID,x,Organization_id",
        "Organization_ID,OpenID,x",
        "x,oPENID,organization_ID",
    ],
)
def test_a_header_with_the_keys_in_other_places_ends_with_its_line(other):
    with pytest.raises(InputError, match="^p.csv: line 3: another header.*put together"):
        read(f"{HEADER},x\n{PEOPLE[0]},1004,y\n{other}\n1004,{PEOPLE[1]},z\n")


def test_so_does_one_in_backticks_as_the_first():
    bill = f"`openid,`organization_id\n`{PEOPLE[0]},`1004\n`organization_id,`openid\n"
    with pytest.raises(InputError, match="^p.csv: line 3: another header"):
        read(bill)


def test_one_of_the_names_alone_is_a_value_like_any_other():
    found = read(f"{HEADER},x\nopenid,1004,y\n{PEOPLE[0]},organization_id,y\n")
    assert len(found.pairs) == 2


@pytest.mark.parametrize("mark", ["sep=;", "SEP=;", "sep=;;", "\ufeffsep=;"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_delimiter_of_excels_first_line_is_taken(mark, end):
    found = read(end.join([mark, HEADER.replace(",", ";"), f"{PEOPLE[0]};1004", ""]))
    assert found.pairs["input_line"].tolist() == [3]
    assert (found.delimiter, found.lines) == (";", 1)


@pytest.mark.parametrize("delimiter", ["|", "^", ":", "\t", " "])
def test_that_line_may_name_a_delimiter_that_is_never_guessed(delimiter):
    found = read(f"sep={delimiter}\nopenid{delimiter}organization_id\n{PEOPLE[0]}{delimiter}1004\n")
    assert found.pairs["openid"].tolist() == PEOPLE[:1]


TITLES = ["刷掌名单 2026-11\n\n", "title\n", "a,b,c\n", "\n\nReport of November,,\n", '"t\nu"\n']


@pytest.mark.parametrize("title", TITLES)
def test_a_title_above_the_header_is_no_line_of_the_input(title):
    found = read(title + lines("1004", "1004", "1004"))
    above = title.count("\n") + 1
    assert found.pairs["input_line"].tolist() == [above + 1, above + 2, above + 3]
    assert (found.lines, found.invalid) == (3, 0)


@pytest.mark.parametrize(("above", "found"), [(9, True), (10, False)])
def test_the_header_begins_within_the_first_ten_lines(above, found):
    text = "title\n" * above + lines("1004")
    if found:
        assert read(text).lines == 1
        return
    with pytest.raises(InputError, match="line 1: there is no column 'openid'"):
        read(text)


def test_two_byte_order_marks_before_quotes_are_read():
    text = lines("1004", header='"openid","organization_id"')
    assert read(codecs.BOM_UTF8 * 2 + text.encode()).lines == 1
    assert read(codecs.BOM_UTF16_LE * 2 + text.encode("utf-16-le")).lines == 1


def test_excels_unicode_text_is_read():
    text = lines("1004", "1004").replace(",", "\t").replace("\n", "\r\n")
    assert read(codecs.BOM_UTF16_LE + text.encode("utf-16-le")).lines == 2


@pytest.mark.parametrize("encoding", [None, "gbk", "cp936", "gb18030"])
def test_the_euro_sign_of_code_page_936_is_read(encoding):
    text = f"{HEADER},余额\n{PEOPLE[0]},1004,".encode("gbk") + b"12\x80\n"
    assert read(text, encoding=encoding).pairs["余额"].tolist() == ["12€"]


def test_a_byte_that_no_encoding_has_is_still_refused_with_its_line():
    text = f"{HEADER},余额\n{PEOPLE[0]},1004,".encode("gbk") + b"\x80\xff\n"
    with pytest.raises(InputError, match=r"line 2 \(byte \d+\) is not gb18030"):
        read(text)


def test_carried_columns_are_told_apart_by_duckdb_and_by_pandas_over_two_nights(tmp_path):
    header = f"{HEADER},Class,class,run_date,State,__index_level_0__"
    carried = read(f"{header}\n{PEOPLE[0]},1004,A,b,2026-11-01,x,0\n").pairs
    assert list(carried.columns[2:-2]) == [
        "Class", "class_2", "input_run_date", "input_State", "input___index_level_0__",
    ]  # fmt: skip
    for day in ("2026-11-21", "2026-11-22"):
        folder = tmp_path / f"run_date={day}"
        folder.mkdir()
        carried.to_parquet(folder / "report.parquet")
    assert len(pd.read_parquet(tmp_path)) == 2
    both = duckdb.read_parquet(f"{tmp_path}/*/report.parquet")
    found = both.project('"Class", class_2, input_run_date').fetchall()
    assert found == [("A", "b", "2026-11-01")] * 2
