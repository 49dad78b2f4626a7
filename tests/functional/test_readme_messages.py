"""The addresses of messages in the documentation are ones that Apprise can use."""

from __future__ import annotations

import re

import apprise
import pytest

from tests import readme


# A plugin of Apprise imports it, where there still is one.
@pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")
@pytest.mark.parametrize("page", [readme.JOBS, readme.TWINS[readme.JOBS]], ids=["en", "zh"])
def test_every_address_is_one_of_the_service_that_it_is_said_to_be(page):
    (block,) = re.findall(
        r"```conf\n(# /etc/palm-reconcile\.notify.*?)```", page.read_text("utf-8"), re.DOTALL
    )
    config = apprise.AppriseConfig()
    assert config.add_config(block, format="text")
    target = apprise.Apprise()
    target.add(config)
    names = [str(service.service_name) for service in target.find()]
    assert names == ["WeCom Bot", "DingTalk", "Feishu", "Slack", "E-Mail"]
