"""Each page of the documentation holds what belongs there, once, and its links lead somewhere."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import palm
import palm.errors
from palm.options.client_options import ClientOptions
from tests import readme

ALL = [*readme.PAGES, *readme.TWINS.values()]
LONGEST = 300
BLOCKS = [
    (readme.README, "sh", "palm-reconcile sample_data/pairs.csv -o report.parquet"),
    (readme.README, "sh", "pip install -q -e '.[test]'"),
    (readme.README, "console", "$ palm check"),
    (readme.README, "crontab", "--keep 400 --deadline 06:00 --log-file"),
    (readme.JOBS, "python", 'report = pd.read_parquet("report.parquet")'),
    (readme.JOBS, "python", 'nights = pd.read_parquet("reports/", schema=schema)'),
    (readme.JOBS, "python", "pl.scan_parquet("),
    (readme.JOBS, "python", 'report = pl.read_parquet("reports/run_date='),
    (readme.JOBS, "sql", "FROM 'report.parquet'"),
    (readme.JOBS, "sql", "ORDER BY input_line"),
    (readme.JOBS, "sql", "read_parquet('reports/*/*.parquet'"),
    (readme.JOBS, "conf", "# /etc/logrotate.d/palm-reconcile"),
    (readme.JOBS, "ini", "# /etc/systemd/system/palm-reconcile.timer"),
    (readme.JOBS, "ini", "LoadCredential="),
    (readme.JOBS, "yaml", "kind: CronJob"),
    (readme.JOBS, "yaml", "kind: DaskCluster"),
    (readme.JOBS, "sh", "--cluster local:2 --sandbox"),
    (readme.JOBS, "sh", "--cluster local:4"),
    (readme.JOBS, "sh", "openssl req -x509"),
    (readme.JOBS, "sh", "DASK_DISTRIBUTED__COMM__TLS__CA_FILE="),
    (readme.JOBS, "sh", "dask scheduler --protocol tls"),
    (readme.JOBS, "yaml", "alert: PalmReportMissing"),
    (readme.JOBS, "conf", "# /etc/palm-reconcile.notify"),
    (readme.JOBS, "sh", "--verify --key pub_key.pem --chain"),
    (readme.JOBS, "sh", "openssl dgst -sha256 -verify"),
    (readme.JOBS, "sh", "openssl verify -attime"),
    (readme.JOBS, "sh", "openssl ts -query"),
    (readme.JOBS, "sh", "palm-reconcile --notify-test"),
    (readme.JOBS, "crontab", "CRON_TZ="),
    (readme.JOBS, "dockerfile", "FROM python:"),
    (readme.JOBS, "sh", "docker run"),
    (readme.PALM, "sh", ".venv/bin/palm sandbox --port 8080"),
    (readme.PALM, "python", '"signed by"'),
    (readme.PALM, "python", "async def ask"),
    (readme.PALM, "python", "concurrency=32"),
    (readme.PALM, "python", '= palm["v3/'),
    (readme.PALM, "python", 'await palm["v3/'),
    (readme.PALM, "python", "Adaptation(pacer)"),
    (readme.PALM, "python", "ThreadSigner("),
    (readme.PALM, "python", "def status_for"),
    (readme.PALM, "python", "max_body=1_000_000"),
    (readme.PALM, "python", "import FastAPI"),
    (readme.PALM, "python", "from django.http"),
    (readme.PALM, "python", "wsgi.input"),
    (readme.PALM, "python", "import Celery"),
    (readme.PALM, "python", "rate=5)"),
    (readme.PALM, "python", "TracerProvider"),
    (readme.SANDBOX, "python", "make_notification"),
    (readme.SANDBOX, "console", "$ palm sandbox"),
    (readme.SANDBOX, "python", 'Path("keys/palm.toml")'),
    (readme.SANDBOX, "python", "palm_sandbox.fail_next"),
    (readme.SANDBOX, "js", "wechatpay-axios-plugin"),
    (readme.TESTS, "sh", "-m 'slow and not alone'"),
]


def name(page: Path) -> str:
    """Return a page's path as one says it."""
    return page.relative_to(readme.ROOT).as_posix()


def fenced(text: str) -> list[str]:
    """Return the fenced blocks of a page."""
    return re.findall(r"^```.*?^```$", text, re.DOTALL | re.MULTILINE)


def prose(text: str) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Return what leads to the headings of a page, as GitHub makes it from their text."""
    headings = re.findall(r"^#+ (.*)$", prose(readme.text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", ALL, ids=name)
def test_every_link_leads_to_a_file_and_a_heading(page):
    links = re.findall(r"\]\(([^)\s]+)\)", prose(readme.text_of(page)))
    broken = []
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", ALL, ids=name)
def test_a_chinese_page_links_to_chinese_ones_where_there_are(page):
    """The English twin is linked to under the title, and where what the program writes stands."""
    if page not in readme.TWINS.values():
        assert "README.zh-CN.md" not in readme.text_of(page).replace(
            "[中文](README.zh-CN.md)", "", 1
        )
        return
    (own,) = [english for english, chinese in readme.TWINS.items() if chinese == page]
    for path in re.findall(r"\]\(([^)#\s]+)", prose(readme.text_of(page))):
        target = (page.parent / path).resolve()
        assert target not in readme.TWINS or target == own, path


@pytest.mark.parametrize("page", [readme.README, readme.TWINS[readme.README]], ids=name)
def test_the_first_page_is_short(page):
    assert len(readme.text_of(page).splitlines()) <= LONGEST


def test_the_first_page_leads_to_every_other():
    for page, pages in ((readme.README, readme.PAGES), (readme.TWINS[readme.README], ALL)):
        links = re.findall(r"\]\(([^)#\s]+)\)", readme.text_of(page))
        linked = {(readme.ROOT / link).resolve() for link in links}
        missing = {
            each if page == readme.README else readme.TWINS.get(each, each)
            for each in pages
            if each != page
        } - linked
        assert {name(each) for each in missing} <= {name(page)}


@pytest.mark.parametrize(
    ("page", "language", "text"), BLOCKS, ids=[f"{name(each[0])} {each[2]}" for each in BLOCKS]
)
def test_a_code_block_stands_on_its_page_and_on_no_other(page, language, text):
    found = [
        name(each)
        for each in readme.PAGES
        for block in fenced(readme.text_of(each))
        if block.startswith(f"```{language}\n") and text in block
    ]
    assert found == [name(page)]


def test_every_code_block_is_one_of_those():
    """What the program writes (```text) is checked by its marker."""
    expected = Counter((name(page), language) for page, language, _ in BLOCKS)
    found = Counter(
        (name(page), block.splitlines()[0].strip("`"))
        for page in readme.PAGES
        for block in fenced(readme.text_of(page))
    )
    assert +Counter({key: n for key, n in found.items() if key[1] != "text"}) == expected


def test_no_paragraph_stands_on_two_pages():
    """A link leads there instead; nor does any stand twice on one page."""
    where = defaultdict(list)
    for page in readme.PAGES:
        text = readme.text_of(page)
        blocks = [block for block in fenced(text) if not block.startswith("```text")]
        paragraphs = re.split(r"\n\n|^(?=- |\|)", prose(text), flags=re.MULTILINE)
        for paragraph in [*paragraphs, *blocks]:
            text = " ".join(paragraph.split())
            if len(text) > len("| `column` | what stands in it, in a few words |"):
                where[text].append(name(page))
    assert {text: pages for text, pages in where.items() if len(pages) > 1} == {}


def test_the_path_of_a_pair_names_every_stage_in_the_order_of_the_run():
    path = readme.section(readme.JOBS, "## The path of a pair")
    order = ["input", "sweep", "compare", "report", "render", "store", "observe"]
    steps = re.findall(r"^\d\. .*?(?=^\d\. |\n\n)", path, re.DOTALL | re.MULTILINE)
    first = [re.findall(r"`jobs/(\w+)`", step) for step in steps]
    assert [stage for step in first for stage in step if stage in order] == order
    packages = {init.parent.name for init in (readme.ROOT / "jobs").glob("*/__init__.py")}
    assert set(re.findall(r"`jobs/(\w+)`", path)) == packages


def test_the_page_of_the_job_begins_with_the_path_of_a_pair():
    headings = re.findall(r"^## (.*)$", prose(readme.text_of(readme.JOBS)), re.MULTILINE)
    assert headings[0] == "The path of a pair"


def test_the_page_of_the_client_names_its_packages():
    named = set(re.findall(r"`palm/(\w+)`", readme.section(readme.PALM, "## Inside")))
    assert named == {init.parent.name for init in (readme.ROOT / "palm").glob("*/__init__.py")}


def test_the_page_of_the_client_says_what_to_do_about_every_error():
    """Of each public error, the table has the class or one above it that is less than all."""
    rows = re.findall(r"^\| (`.*?) \|", readme.section(readme.PALM, "## Errors"), re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"`(\w+)`", row.partition(", also")[0])}
    told = tuple(
        vars(palm.errors)[name] for name in names - {"except", "TransientError", "ConnectionError"}
    )
    errors = [
        each
        for name in palm.errors.__all__
        if isinstance(each := vars(palm.errors)[name], type) and issubclass(each, palm.PalmError)
    ]
    bases = {palm.PalmError, palm.errors.TransientError, palm.errors.TransportError, palm.APIError}
    assert {each.__name__ for each in errors if not issubclass(each, told)} == {
        base.__name__ for base in bases
    }


def test_every_benchmark_has_its_table_and_its_command():
    """Those that write a page: they end with :func:`tests.benchmarks.result.finish`."""
    text = readme.text_of(readme.BENCHMARKS)
    finishing = {
        path.stem
        for path in readme.BENCHMARKS.parent.glob("*.py")
        if path.stem != "result"
        and any(
            isinstance(node, ast.ImportFrom) and any(alias.name == "finish" for alias in node.names)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    }
    markers = re.findall(r"^<!-- benchmark: (\w+) -->\n```text\n", text, re.MULTILINE)
    assert sorted(markers) == sorted(finishing)
    for each in finishing:
        assert f"`python -m tests.benchmarks.{each}" in text


def test_the_kinds_of_tests_are_the_folders():
    rows = re.findall(r"^\| `tests/(\w+)` \|", readme.text_of(readme.TESTS), re.MULTILINE)
    tests = readme.ROOT / "tests"
    kinds = {path.relative_to(tests).parts[0] for path in tests.rglob("test_*.py")}
    assert set(rows) == kinds | {"benchmarks"}


def test_the_clients_page_lists_every_option():
    options = re.search(r"(?ms)^\| Option \|.*?\n\n", readme.PALM.read_text())[0]
    first_cells = " ".join(row.split(" | ")[0] for row in options.splitlines())
    named = set(re.findall(r"`(\w+)`", first_cells))
    assert named == ClientOptions.__annotations__.keys() - {"require_echo", "steady", "sleep"}
