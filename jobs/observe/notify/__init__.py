"""A message about how a run ended: to WeCom, DingTalk, Feishu, Slack, mail and others.

In: how the run ended, and where messages go (``PALM_NOTIFY``). Out: a message, or a list of what
went wrong with it. Nothing here fails a run or keeps it from ending.
"""
