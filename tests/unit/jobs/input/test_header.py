"""jobs.input.header: the delimiter, the key columns, the names of the others."""

import pytest

from jobs.errors import InputError
from jobs.input.content.content import ContentInMemory
from jobs.input.header import Columns, find_header, name_columns
from jobs.schema import ROWS

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


def header(text: str, columns: Columns | None = None):
    return find_header(ContentInMemory(text.encode()), "utf-8", columns or Columns(), "p.csv")


def refusal(text: str, columns: Columns | None = None) -> str:
    with pytest.raises(InputError) as caught:
        header(text, columns)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_delimiter_is_the_one_that_shows_both_keys(delimiter):
    found = header(delimiter.join(["a,b;c", "organization_id", "openid"]).replace("a,b;c", '"a,"'))
    assert (found.delimiter, found.keys.organization, found.keys.openid) == (delimiter, 1, 2)
    assert found.names == ("a,", "organization_id", "openid")


def test_names_are_compared_without_case_and_blanks():
    found = header("\ufeff OpenID\u3000,\tORGANIZATION_ID \n")
    assert found.names == ("openid", "organization_id")


def test_columns_may_be_called_otherwise():
    found = header("学校,微信号\n", Columns(" 微信号", "学校"))
    assert found.names == ("organization_id", "openid")
    assert (found.keys.openid, found.keys.organization) == (1, 0)


def test_blank_lines_before_the_header_are_counted():
    assert header("\n  \r\n\ropenid,organization_id\n").line == 4


def test_header_may_stand_on_several_lines():
    assert header('openid,organization_id,"a\nb"\noA,1,\n').line == 2


def test_header_without_a_line_end_is_a_header():
    assert header("openid,organization_id").line == 1


def test_missing_column_is_named_with_those_found():
    assert refusal("\nopenid,School\n") == (
        "p.csv: line 2: there is no column 'organization_id'; found 'openid', 'School'; "
        "name the right one with --organization-column"
    )


def test_both_missing_are_named_with_both_options():
    text = refusal("id|org\n")
    assert "no column 'openid' and no column 'organization_id'; found 'id|org';" in text
    assert text.endswith(
        "with --openid-column and --organization-column, or let the header begin within the first "
        "10 lines"
    )


def test_many_long_and_odd_names_are_cut_and_escaped():
    text = refusal(",".join(["x" * 1000, '"\x1b\n"', *map(str, range(20))]))
    assert f"'{'x' * 40}…', '\\x1b', '0'" in text
    assert text.count("'") == 2 * 2 + 2 * 10
    assert "and 12 more" in text


@pytest.mark.parametrize(("count", "more"), [(10, ""), (11, " and 1 more")])
def test_ten_names_are_shown(count, more):
    assert f"'9'{more};" in refusal(",".join(map(str, range(count))))


def test_names_are_those_under_the_delimiter_that_gives_most():
    assert "found 'a', 'b,c', 'd'" in refusal("a;b,c;d\n")


def test_pairs_without_a_header_are_not_shown():
    text = refusal(f"{OPENID},1\n")
    assert OPENID not in text
    assert "put a header line such as openid,organization_id above the pairs" in text


@pytest.mark.parametrize(
    "line", ["openid,organization_id,OpenID", "organization_id," * 2 + "openid"]
)
def test_key_column_twice_is_refused(line):
    assert "stands there twice" in refusal(line)


def test_one_column_for_both_keys_is_refused():
    assert "--openid-column and --organization-column" in refusal("a,b", Columns("A", " a "))


@pytest.mark.parametrize("text", ["", "\n", " \r\n\t\r\u3000\n", "\ufeff", "\ufeff\n"])
def test_text_without_anything_is_refused(text):
    assert "is empty" in refusal(text)


def test_nul_in_the_header_is_refused():
    assert "NUL" in refusal("openid,organization_id,\0")


def test_quote_open_in_the_header_is_refused():
    assert "line 2: a quote is opened" in refusal('\nopenid,"organization_id\noA,1\n')


@pytest.mark.parametrize("name", ["class;", "\tclass", ";", "a\t", "a;b;", "\t;\t"])
def test_a_quoted_name_may_hold_another_delimiter(name):
    """Under that one the quote would never be closed; that says nothing about the file."""
    found = header(f'openid,"{name}",organization_id\noA,x,1\n')
    assert (found.delimiter, found.keys.openid, found.keys.organization) == (",", 0, 2)


def test_a_column_is_missing_though_a_delimiter_that_does_not_fit_finds_a_quote():
    assert "there is no column 'organization_id'" in refusal('openid,"class;",name\noA,x,1\n')


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["name", "Name", "备注"], ["name", "Name_2", "备注"]),
        (["Class", "class", "class_2"], ["Class", "class_3", "class_2"]),
        (["run_date", "Run_Date"], ["input_run_date", "input_input_Run_Date"]),
        (["__index_level_0__"], ["input___index_level_0__"]),
        ([" name ", "name", "name"], ["name", "name_2", "name_3"]),
        (["name", "name", "name_2"], ["name", "name_3", "name_2"]),
        (["", " ", "column_3"], ["column_3_2", "column_4", "column_3"]),
        (["", "x", ""], ["column_3", "x", "column_5"]),
        (["state", "State"], ["input_state", "input_input_State"]),
        (["state", "input_state"], ["input_input_state", "input_state"]),
        (["state", "state"], ["input_state", "input_input_state"]),
        (["input_line", "openid"], ["input_input_line", "input_openid"]),
    ],
)
def test_further_columns_are_named_apart(given, expected):
    names = name_columns(["key", "key2", *given], 0, 1)
    assert names == ("openid", "organization_id", *expected)


def test_no_column_of_the_report_is_taken():
    names = name_columns([*ROWS, "key", "key2"], len(ROWS), len(ROWS) + 1)
    assert names == (*(f"input_{name}" for name in list(ROWS)[:-2]), "input_input_line",
                     "input_input_duplicates", "openid", "organization_id")  # fmt: skip
