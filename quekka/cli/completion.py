"""Topic and group names for the shell's completion, asked from the broker the command line names.

Completion must never get in the way of typing: a broker that does not answer soon, or at all, gives no names
and no message. Turning it on is click's part: `eval "$(_QUEKKA_TOPICS_COMPLETE=bash_source quekka-topics)"`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from quekka.cli.common import server_address
from quekka.errors import QuekkaError

if TYPE_CHECKING:
    from quekka.client import Admin

COMPLETION_TIMEOUT_S = 0.5
"""A person who pressed the tabulator key waits no longer than this for a broker that is not there."""


def complete_topics(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of topics that begin with `incomplete`."""
    return _complete(context, incomplete, lambda admin: admin.list_topics())


def complete_groups(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of groups that begin with `incomplete`."""
    return _complete(context, incomplete, lambda admin: admin.list_groups())


def _complete(
    context: click.Context, incomplete: str, names_of: Callable[["Admin"], list[str]]
) -> list[CompletionItem]:
    from quekka.client import Admin

    with context.scope(cleanup=False):
        server = server_address()
    try:
        with Admin(server, request_timeout_ms=int(COMPLETION_TIMEOUT_S * 1000)) as admin:
            names = names_of(admin)
    except (QuekkaError, OSError):
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
