"""Sends the message about a run if one is wanted; errors of it never fail the run.

Errors in ``PALM_NOTIFY`` are logged when the run begins, and errors of a message when the run ends.
They are warnings that ``-q`` does not silence, because people who wait for messages would otherwise
take silence for success.
"""

from __future__ import annotations

import platform
from dataclasses import replace

import structlog

from jobs.loggers import ALWAYS
from jobs.observe.notify.delivery import Attachment, Delivered, Delivery
from jobs.observe.notify.message import Ending, compose, is_due, trial_message
from jobs.observe.notify.options import NotifyOptions
from jobs.observe.notify.target import Target, checked_target
from palm.commands.runner import location_of
from palm.errors import SettingsError

__all__ = ["Messenger", "send_trial"]


class Messenger:
    """Sends at most one message about a run.

    Args:
        options: Where messages go, when one is sent, and what is in it.
    """

    def __init__(self, options: NotifyOptions) -> None:
        self._options = options
        self._target: Target | None = None
        self._log = structlog.get_logger(ALWAYS)

    def check(self) -> None:
        """Read where messages go, and warn if that is not possible."""
        if not self._options.target:
            return
        try:
            self._target = checked_target(self._options.target)
        except SettingsError as error:
            self._log.warning(f"{error}; no message will be sent")

    def send(self, ending: Ending) -> Delivery | None:
        """Send the message about a run that ended; None if there is none to be sent."""
        if self._target is None or not is_due(ending, self._options.on):
            return None
        try:
            message = compose(replace(ending, host=platform.node()), self._options.language)
            return Delivery(self._target, message, self._attachment(ending))
        except Exception as error:  # noqa: BLE001 - a defect in a message is none of the run
            self._log.warning(
                f"Internal error (please report it): no message: {location_of(error)}"
            )
            return None

    def report_faults(self, delivery: Delivery | None) -> None:
        """Wait until a message is delivered or given up, and warn of what went wrong with it."""
        if delivery is not None:
            delivered = delivery.wait()
            for fault in (*delivered.unusable, *delivered.faults):
                self._log.warning(fault)

    def _attachment(self, ending: Ending) -> Attachment | None:
        if not self._options.attach or ending.report is None:
            return None
        from jobs.observe.notify.attachment import attachment_of  # noqa: PLC0415 - the templates

        return attachment_of(ending.report, ending.name, self._options.language)


def send_trial(options: NotifyOptions, name: str) -> Delivered:
    """Send the message of ``--notify-test``, and return what became of it.

    Args:
        options: Where messages go.
        name: The name of the job.

    Raises:
        SettingsError: Nothing says where messages go, it cannot be used, or Apprise is missing.
    """
    if not options.target:
        raise SettingsError(
            "PALM_NOTIFY is not set: set it to Apprise URLs, or to the path of a file with them"
        )
    target = checked_target(options.target)
    message = trial_message(name, platform.node(), options.language)
    return Delivery(target, message).wait()
