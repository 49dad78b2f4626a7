"""Requests written as a chain of attributes: a path, ended by an HTTP method.

``palm.v3.pay.transactions.outTradeNo._out_trade_no_.close.post(out_trade_no="P12")`` sends
``POST /v3/pay/transactions/out-trade-no/P12/close``. The grammar is the one of the PHP and Node
clients (https://github.com/wechatpay-apiv3/wechatpay-php), so that their users know it already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Final, Generic, NoReturn, Self, TypeVar

from palm.errors import ArgumentError
from palm.http.answer import Answer
from palm.http.request.body import body_bytes
from palm.http.request.options import RequestOptions
from palm.http.template import fill, query_string

__all__ = ["AsyncNode", "Node", "segment"]

R = TypeVar("R")
Send = Callable[[str, str, bytes, tuple[str, ...], str, RequestOptions], R]
"""Sends ``(method, target, body, private texts, path without values, options)``."""

_VARIABLE: Final = re.compile(r"([_$])([A-Za-z][A-Za-z0-9_]*?)\1")
_CAPITAL: Final = re.compile(r"[A-Z]")
_PROBES: Final = ("_repr_", "_ipython_")
"""Attributes that notebooks look up on every object; they are not variables of a path."""
_VERBS: Final = ("get", "post", "put", "patch", "delete")
_NEXT: Final = {
    "/v3": ["palmservice"],
    "/v3/palmservice": ["authorization"],
    "/v3/palmservice/authorization": ["openid", "preauthorize"],
    "/v3/palmservice/authorization/openid": ["_openid_"],
}
"""The segments of the palm service's paths, for completion."""
_ASYNC_VERBS: Final = tuple(f"{verb}Async" for verb in _VERBS)


def segment(name: str) -> str:
    """Return the path segment for an attribute's name.

    camelCase becomes kebab-case. PascalCase does, too, for names that are Python keywords or HTTP
    methods. ``_x_`` and ``$x$`` become ``{x}``. Underscores inside a name are kept.
    """
    if variable := _VARIABLE.fullmatch(name):
        return f"{{{variable[2]}}}"
    camel = name[:1].lower() + name[1:]
    return _CAPITAL.sub(lambda capital: f"-{capital[0].lower()}", camel)


class Node(Generic[R]):
    """A path, or its beginning: it has five HTTP methods, ``chain``, and any name as next segment.

    Every method takes the path's variables, ``query`` and ``json``, as keywords or as one mapping::

        node.get(openid="o…", query={"organization_id": "1004"})
        node.get({"openid": "o…", "query": {"organization_id": "1004"}})

    Other arguments of every method:

    - ``headers``: Sent in addition to the client's own, e.g. ``Wechatpay-Serial``.
    - ``content``: A body that is not JSON, as bytes; ``content_type`` is its type.
    - ``max_body``: The size of the largest answer that is read, in bytes; default 65,536.

    It returns a verified :class:`palm.Answer`, or an awaitable of one. The caller must check
    whether the answer names the person or thing of the request.

    Raises:
        ArgumentError: A variable is missing, or not part of the path; a header is one of those that
            the client sets, or cannot be sent; nothing was sent.
        PalmError: As drawn in :mod:`palm.errors`.
    """

    __slots__ = ("__path", "__send")
    __iter__ = None  # a node is not a sequence, though it takes keys
    __contains__ = None

    def __init__(self, path: str, send: Send[R]) -> None:
        self.__path = path
        self.__send = send

    def chain(self, path: str) -> Self:
        """Return the node at ``path`` below this one, taken literally; ``""`` adds a slash.

        Args:
            path: As the documentation writes it: ``"pay/transactions/id/{transaction_id}"``.
        """
        if not isinstance(path, str):
            raise TypeError(f"a path is text, not {type(path).__name__}")
        return type(self)(f"{self.__path}/{path.removeprefix('/')}", self.__send)

    def __getitem__(self, path: str) -> Self:
        """Return the node at ``path`` below this one, as :meth:`chain` does."""
        return self.chain(path)

    def __getattr__(self, name: str) -> Self:
        """Return the node of the next segment: ``_x_`` is a variable, ``camelCase`` kebab-case."""
        if name in _ASYNC_VERBS:
            raise AttributeError(
                f"{name} belongs to AsyncPalm, where it is awaited; with Palm call "
                f"{name.removesuffix('Async')}"
            )
        variable = _VARIABLE.fullmatch(name)
        if name.startswith(_PROBES) or (name.startswith("_") and not variable):
            raise AttributeError(name)
        return type(self)(f"{self.__path}/{segment(name)}", self.__send)

    if TYPE_CHECKING:  # for editors: any other name is a segment, too

        @property
        def palmservice(self) -> Self:
            """``/palmservice``: the palm service (微信刷掌)."""

        @property
        def authorization(self) -> Self:
            """``/authorization``: who has authorized which organization."""

        @property
        def openid(self) -> Self:
            """``/openid``: then comes ``_openid_``, the person."""

        @property
        def _openid_(self) -> Self:
            """``/{openid}``: pass the person as ``get(openid=…, query={"organization_id": …})``.

            Source: https://pay.weixin.qq.com/doc/v3/partner/4014482017
            """

        @property
        def preauthorize(self) -> Self:
            """``/preauthorize``: a token with which a person may authorize; a POST.

            Source: https://pay.weixin.qq.com/doc/v3/partner/4014481990
            """

    def get(self, params: Mapping[str, object] | None = None, /, **named: object) -> R:
        """Send a GET."""
        return self.__send_request("GET", params, named)

    def post(self, params: Mapping[str, object] | None = None, /, **named: object) -> R:
        """Send a POST; ``json`` is its body."""
        return self.__send_request("POST", params, named)

    def put(self, params: Mapping[str, object] | None = None, /, **named: object) -> R:
        """Send a PUT; ``json`` is its body."""
        return self.__send_request("PUT", params, named)

    def patch(self, params: Mapping[str, object] | None = None, /, **named: object) -> R:
        """Send a PATCH; ``json`` is its body."""
        return self.__send_request("PATCH", params, named)

    def delete(self, params: Mapping[str, object] | None = None, /, **named: object) -> R:
        """Send a DELETE."""
        return self.__send_request("DELETE", params, named)

    def __send_request(
        self, method: str, params: Mapping[str, object] | None, named: dict[str, object]
    ) -> R:
        params = _mapping("the argument", params)
        if twice := params.keys() & named.keys():
            raise ArgumentError(f"{min(twice)} was passed twice")
        variables = {**params, **named}
        query = _mapping("query", variables.pop("query", None))
        content_type = variables.pop("content_type", None)
        body = body_bytes(variables.pop("json", None), variables.pop("content", None), content_type)
        options = RequestOptions.of(
            variables.pop("headers", None), content_type, variables.pop("max_body", None)
        )
        target = fill(self.__path, variables) + query_string(query)
        private = tuple(str(value) for value in (*variables.values(), *query.values()))
        return self.__send(method, target, body, private, self.__path, options)

    def __dir__(self) -> list[str]:
        return [*_VERBS, "chain", *_NEXT.get(self.__path, ())]

    def __repr__(self) -> str:
        return f"<{self.__path}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a chain cannot be pickled: it belongs to its client")


class AsyncNode(Node[Coroutine[None, None, Answer]]):
    """A path of an ``AsyncPalm``, or its beginning; what its methods return is awaited.

    Each method also has the name that it has in the documentation's PHP examples::

        await node.get({"openid": "o…", "query": {"organization_id": "1004"}})
        await node.getAsync({"openid": "o…", "query": {"organization_id": "1004"}})

    Raises:
        ArgumentError: A variable is missing, or not part of the path; nothing was sent.
        PalmError: As drawn in :mod:`palm.errors`.

    Source: https://github.com/wechatpay-apiv3/wechatpay-php
    """

    __slots__ = ()

    if TYPE_CHECKING:  # Self is not enough for jedi, which completes in notebooks
        palmservice: AsyncNode
        """``/palmservice``: the palm service (微信刷掌)."""
        authorization: AsyncNode
        """``/authorization``: who has authorized which organization."""
        openid: AsyncNode
        """``/openid``: then comes ``_openid_``, the person."""
        _openid_: AsyncNode
        """``/{openid}``: pass the person as ``get(openid=…, query={"organization_id": …})``."""
        preauthorize: AsyncNode
        """``/preauthorize``: a token with which a person may authorize; a POST."""

        def chain(self, path: str) -> AsyncNode:
            """Return the node at ``path`` below this one, taken literally."""

        def __getitem__(self, path: str) -> AsyncNode:
            """Return the node at ``path`` below this one, as :meth:`chain` does."""

        def __getattr__(self, name: str) -> AsyncNode:
            """Return the node of the next segment."""

    def getAsync(  # noqa: N802 - the documentation's name
        self, params: Mapping[str, object] | None = None, /, **named: object
    ) -> Coroutine[None, None, Answer]:
        """Send a GET, as :meth:`get` does."""
        return self.get(params, **named)

    def postAsync(  # noqa: N802 - the documentation's name
        self, params: Mapping[str, object] | None = None, /, **named: object
    ) -> Coroutine[None, None, Answer]:
        """Send a POST, as :meth:`post` does."""
        return self.post(params, **named)

    def putAsync(  # noqa: N802 - the documentation's name
        self, params: Mapping[str, object] | None = None, /, **named: object
    ) -> Coroutine[None, None, Answer]:
        """Send a PUT, as :meth:`put` does."""
        return self.put(params, **named)

    def patchAsync(  # noqa: N802 - the documentation's name
        self, params: Mapping[str, object] | None = None, /, **named: object
    ) -> Coroutine[None, None, Answer]:
        """Send a PATCH, as :meth:`patch` does."""
        return self.patch(params, **named)

    def deleteAsync(  # noqa: N802 - the documentation's name
        self, params: Mapping[str, object] | None = None, /, **named: object
    ) -> Coroutine[None, None, Answer]:
        """Send a DELETE, as :meth:`delete` does."""
        return self.delete(params, **named)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *_ASYNC_VERBS]


def _mapping(name: str, value: object) -> Mapping[str, object]:
    """Return a mapping of names to values, empty for None."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ArgumentError(f"{name} must be a mapping of names to values")
    return value
