"""The examples of web services and jobs serve requests, against the sandbox."""

from __future__ import annotations

import io
import os
import re

import pytest

from palm.sandbox import Fault, make_notification
from tests import readme

PERSON = {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "organization_id": "1004"}
BLOCKS = re.findall(r"```python\n(.*?)```", readme.text_of(readme.PALM), re.DOTALL)


@pytest.fixture(autouse=True)
def sandbox(palm_sandbox, monkeypatch, tmp_path):
    """Return the gateway that the settings in the environment name."""
    for name in [name for name in os.environ if name.startswith("PALM_")]:
        monkeypatch.delenv(name)
    palm_sandbox.gateway.mode = "grey"  # its settings have the APIv3 key, too
    for name, value in palm_sandbox.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    palm_sandbox.set_state(*PERSON.values(), "ON")
    return palm_sandbox


@pytest.fixture
def example():
    """Run the example that holds a text; return what it defines, and close its client at last."""
    spaces = []

    def example(text):
        [block] = [block for block in BLOCKS if text in block]
        # FastAPI looks up annotations in the module, which has to have a name
        space = {"__name__": "example"}
        exec(compile(block, "<example>", "exec"), space)  # noqa: S102 - our own page
        spaces.append(space)
        return space

    yield example
    for space in spaces:
        if "palm" in space:
            space["palm"].close()


def notified(sandbox, fault=None):
    return make_notification(
        sandbox.gateway.keys, "TRANSACTION.SUCCESS", {"out_trade_no": "12"}, fault=fault
    )


@pytest.mark.slow
async def test_fastapi(sandbox, example):
    import httpx  # noqa: PLC0415 - heavy, and used here only

    app = example("import FastAPI")["app"]
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service") as service,
    ):
        answer = await service.post("/authorization", json=PERSON)
        assert (answer.status_code, answer.json()) == (200, {"state": "ON"})
        answer = await service.post("/authorization", json=PERSON | {"openid": "o" * 129})
        assert answer.status_code == 422
        sandbox.fail_next("newstate")
        assert (await service.post("/authorization", json=PERSON)).status_code == 502
        for fault, status in ((None, 204), (Fault.PROBE, 500)):
            headers, body = notified(sandbox, fault)
            answer = await service.post("/notifications", headers=headers, content=body)
            assert answer.status_code == status


@pytest.mark.slow
def test_django(sandbox, example):
    import django  # noqa: PLC0415 - heavy, and used here only
    from django.conf import settings  # noqa: PLC0415
    from django.test import RequestFactory  # noqa: PLC0415

    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["testserver"])
        django.setup(set_prefix=False)
    views, make = example("from django.http"), RequestFactory()
    answer = views["authorization"](make.post("/authorization", PERSON))
    assert (answer.status_code, answer.content) == (200, b'{"state": "ON"}')
    assert views["authorization"](make.post("/authorization", {})).status_code == 422
    for fault, status in (("newstate", 502), ("500", 200)):  # a 5xx is asked again
        sandbox.fail_next(fault)
        assert views["authorization"](make.post("/authorization", PERSON)).status_code == status
    assert views["authorization"](make.get("/authorization")).status_code == 405
    for fault, status in ((None, 204), (Fault.PROBE, 500)):
        headers, body = notified(sandbox, fault)
        request = make.post("/notifications", body, "application/json", headers=headers)
        assert views["notification"](request).status_code == status
    assert [each.name or str(each.pattern) for each in views["urlpatterns"]] == [
        "authorization",
        "notifications",
    ]


def test_wsgi(sandbox, example):
    application, begun = example("wsgi.input")["application"], []

    def ask(body):
        environ = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return b"".join(application(environ, lambda status, _: begun.append(status)))

    assert ask("&".join(f"{name}={value}" for name, value in PERSON.items()).encode()) == b"ON"
    assert ask(b"") == b"KeyError"
    assert begun == ["200 OK", "503 Service Unavailable"]


def test_celery(sandbox, example):
    task = example("import Celery")["state"]
    assert task.apply(args=tuple(PERSON.values())).get() == "ON"
