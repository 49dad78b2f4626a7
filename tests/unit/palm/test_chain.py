"""Chains: names become paths, and looking at a chain neither sends a request nor loops."""

from __future__ import annotations

import asyncio
import collections.abc
import copy
import inspect
import pickle
import pprint
import pydoc
import typing

import pytest

from palm import ArgumentError, AsyncPalm, Palm
from palm.chain import AsyncNode, Node, segment
from palm.http.request.options import PLAIN


@pytest.fixture
def sent():
    return []


@pytest.fixture
def node(sent):
    return Node("/v3", lambda *request: sent.append(request) or "answer")


@pytest.fixture(params=["node", "AsyncPalm", "Palm"])
def any_of_them(request, node, keys, monkeypatch):
    """A node and both clients, of which none may send."""

    def client(kind):
        async def refuse(*_: object) -> typing.NoReturn:
            raise AssertionError("a request was sent")

        made = kind(
            merchant=keys.merchant(), keys=keys.platform_keys(), base_url="http://127.0.0.1:9"
        )
        inner = made._palm if kind is Palm else made
        monkeypatch.setattr(inner._queries.transport, "send", refuse)
        return made

    return {"node": lambda: node, "AsyncPalm": lambda: client(AsyncPalm)}.get(
        request.param, lambda: client(Palm)
    )()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("palmservice", "palmservice"),
        ("outTradeNo", "out-trade-no"),
        ("FooBar", "foo-bar"),
        ("fooBAR", "foo-b-a-r"),
        ("foo4bar", "foo4bar"),
        ("complaintsV2", "complaints-v2"),
        ("business_code", "business_code"),
        ("foo_barBaz", "foo_bar-baz"),
        ("Delete", "delete"),
        ("V3", "v3"),
        ("X", "x"),
        ("x_", "x_"),
        ("_openid_", "{openid}"),
        ("$openid$", "{openid}"),
        ("_out_trade_no_", "{out_trade_no}"),
        ("_outTradeNo_", "{outTradeNo}"),
        ("_a_", "{a}"),
        ("_openid$", "_openid$"),
        ("_1_", "_1_"),
        ("__", "__"),
        ("", ""),
        ("中", "中"),
    ],
)
def test_a_name_stands_for_one_segment(name, expected):
    assert segment(name) == expected


@pytest.mark.parametrize("verb", ["get", "post", "put", "patch", "delete"])
def test_a_verb_returns_what_is_returned_for_its_request(node, sent, verb):
    assert getattr(node.foo, verb)() == "answer"
    assert sent == [(verb.upper(), "/v3/foo", b"", (), "/v3/foo", PLAIN)]


def test_texts_of_people_are_marked_as_private(node, sent):
    node._openid_.get(openid="o1", query={"id": "o2"})
    assert sent[0][3] == ("o1", "o2")


def test_a_node_is_never_changed(node, sent):
    first = node.foo
    assert (first.bar, first.bar.baz) != (first, first)
    first.bar.get()
    first.get()
    assert [target for _, target, *_ in sent] == ["/v3/foo/bar", "/v3/foo"]


def test_a_node_cannot_be_given_attributes(node):
    with pytest.raises(AttributeError):
        node.foo = "bar"


def test_a_node_shows_its_path_and_no_more(node):
    assert repr(node.foo._openid_) == "</v3/foo/{openid}>"
    assert f"{node}" == "</v3>"
    verbs = ["chain", "delete", "get", "patch", "post", "put"]
    assert dir(node) == sorted([*verbs, "palmservice"])
    assert dir(node.pay) == verbs
    asynchronous = [f"{verb}Async" for verb in verbs if verb != "chain"]
    assert dir(AsyncNode("/v3/pay", None)) == sorted([*verbs, *asynchronous])


def test_a_notebook_completes_the_palm_services_paths(node):
    authorization = node.palmservice.authorization
    assert {"openid", "preauthorize"} <= {*dir(authorization)}
    assert "_openid_" in dir(authorization.openid)
    assert repr(authorization.openid._openid_) == "</v3/palmservice/authorization/openid/{openid}>"


PROBES = [
    "_repr_html_",
    "_repr_mimebundle_",
    "_repr_svg_",
    "_ipython_display_",
    "_ipython_canary_method_should_not_exist_",
    "_ipython_key_completions_",
    "__wrapped__",
    "__array__",
    "__array_interface__",
    "__dataframe__",
    "__await__",
    "__aiter__",
    "__anext__",
    "__next__",
    "__len__",
    "__call__",
    "__fspath__",
    "__index__",
    "__getstate_manages_dict__",
    "__getnewargs__",
    "__rich_repr__",
    "__rich__",
    "__html__",
    "__name__",
    "__qualname__",
    "__signature__",
    "__code__",
    "__set_name__",
    "__get__",
    "__enter__",
    "__json__",
    "__nothing__",
    "_is_coroutine",
    "_is_coroutine_marker",
    "_fields",
    "_asdict",
    "_mock_methods",
    "_getAttributeNames",
    "_",
    "__",
    "___",
]


@pytest.mark.parametrize("name", PROBES)
def test_a_node_has_no_attribute_that_python_or_a_notebook_asks_for(node, name):
    assert not hasattr(node, name)
    with pytest.raises(AttributeError, match=f"^{name}$"):
        getattr(node, name)


@pytest.mark.parametrize("name", [name for name in PROBES if name.startswith(("_repr_", "_ipy"))])
def test_no_client_has_what_a_notebook_asks_for(any_of_them, name):
    assert not hasattr(any_of_them, name)


@pytest.mark.parametrize(
    "look",
    [iter, list, tuple, set, len, reversed, next, lambda x: "v3" in x, lambda x: [*x], enumerate],
)
def test_nothing_is_a_sequence(any_of_them, sent, look):
    with pytest.raises(TypeError):
        look(any_of_them)
    assert sent == []


@pytest.mark.parametrize("look", [dict, lambda x: {**x}, lambda x: dict(**x)])
def test_nothing_is_a_mapping(any_of_them, sent, look):
    with pytest.raises(TypeError):
        look(any_of_them)
    assert sent == []


def test_everything_is_true_and_equals_itself_alone(any_of_them, sent):
    assert any_of_them
    assert any_of_them == any_of_them  # noqa: PLR0124 - that is the question
    assert any_of_them != "v3"
    assert len({any_of_them, any_of_them}) == 1
    with pytest.raises(TypeError):
        any_of_them < any_of_them  # noqa: B015, PLR0124 - the same
    assert sent == []


async def test_nothing_but_an_answer_can_be_awaited(any_of_them, sent):
    assert not inspect.isawaitable(any_of_them)
    assert not asyncio.iscoroutinefunction(any_of_them)
    with pytest.raises(TypeError, match="can't be used in 'await' expression"):
        await any_of_them
    with pytest.raises(TypeError):
        aiter(any_of_them)
    assert sent == []


def test_nothing_can_be_pickled(any_of_them, sent):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match=r"cannot (be )?pickle"):
            pickle.dumps(any_of_them, protocol)
    assert sent == []


def test_a_copy_of_a_node_is_the_node(node, sent):
    assert copy.copy(node.foo) is not node.foo
    for one in (node.foo, node.foo._openid_):
        assert copy.copy(one) is one
        assert copy.deepcopy(one) is one
        assert copy.deepcopy([one])[0] is one
    assert sent == []


def test_a_copy_of_a_client_shares_what_it_holds(keys):
    with Palm(merchant=keys.merchant(), keys=keys.platform_keys()) as palm:
        assert copy.copy(palm)._thread is palm._thread


def test_inspection_sends_nothing(any_of_them, sent):
    names = {name for name, _ in inspect.getmembers(any_of_them)}
    assert {"chain"} <= names
    assert not callable(any_of_them)
    assert "chain" in pydoc.render_doc(any_of_them)
    assert inspect.unwrap(any_of_them) is any_of_them
    assert inspect.getdoc(any_of_them) == inspect.getdoc(type(any_of_them))
    assert pprint.pformat(any_of_them) == repr(any_of_them)
    with pytest.raises(TypeError):
        inspect.signature(any_of_them)
    for question in (inspect.ismethod, inspect.iscoroutine, inspect.isgenerator, inspect.isclass):
        assert not question(any_of_them)
    for kind in (collections.abc.Iterable, collections.abc.Awaitable, collections.abc.Callable):
        assert not isinstance(any_of_them, kind)
    assert sent == []


def below(node) -> list[str]:
    """Return the paths of all nodes that who walks over the members meets."""
    # getmembers finds the class's own attributes too, which hold no path.
    nodes = [value for _, value in inspect.getmembers(node) if isinstance(value, Node)]
    return [path for each in nodes for path in (repr(each), *below(each))]


def test_the_members_of_a_node_are_the_verbs_chain_and_what_the_palm_service_has_below(node, sent):
    assert below(node) == [
        "</v3/palmservice>",
        "</v3/palmservice/authorization>",
        "</v3/palmservice/authorization/openid>",
        "</v3/palmservice/authorization/openid/{openid}>",
        "</v3/palmservice/authorization/preauthorize>",
    ]
    assert below(node.pay) == []
    assert str(inspect.signature(node.get)).startswith("(params: ")
    assert sent == []


def test_a_notebook_shows_a_node_by_its_repr(node, sent):
    """What IPython's formatters do, in their order, before they fall back on repr."""
    for method in ("_ipython_display_", "_repr_mimebundle_", "_repr_html_", "_repr_pretty_"):
        with pytest.raises(AttributeError):
            getattr(node, method)
    assert sent == []


@pytest.mark.parametrize("kind", [Palm, AsyncPalm])
def test_a_client_has_no_attributes_of_paths_but_v3(keys, kind):
    palm = kind(merchant=keys.merchant(), keys=keys.platform_keys())
    assert not hasattr(palm, "v4")
    assert repr(palm.v3) == repr(palm["v3"]) == repr(palm.chain("v3")) == "</v3>"


def test_what_is_given_twice_is_refused_by_its_name(node, sent):
    with pytest.raises(ArgumentError, match=r"^openid was passed twice$"):
        node._openid_.get({"openid": "o"}, openid="o")
    assert sent == []
