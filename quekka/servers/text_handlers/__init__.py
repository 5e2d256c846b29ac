"""What each request of the text protocol does: a table from the kind of request to the function for it.

A handler answers with `session.reply`, `session.promise` or by raising a QuekkaError, which becomes `-ERR`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from quekka.protocols.text import request
from quekka.protocols.text.connection import AppendRun, PublishRun, Refused
from quekka.servers.text_handlers.appending import append
from quekka.servers.text_handlers.broker_state import ping, quit_connection, refused, show_help, stats
from quekka.servers.text_handlers.groups import (
    commit,
    delete_group,
    describe_group,
    list_groups,
    seek,
    subscribe,
    unsubscribe,
)
from quekka.servers.text_handlers.polling import poll
from quekka.servers.text_handlers.publishing import publish
from quekka.servers.text_handlers.reading import fetch, list_offsets, read
from quekka.servers.text_handlers.topics import config, create, delete, delete_records, info, list_topics
from quekka.servers.text_session import TextSession

Handler = Callable[[TextSession, Any], None]

HANDLERS: Mapping[type, Handler] = MappingProxyType(
    {
        AppendRun: append,
        PublishRun: publish,
        Refused: refused,
        request.Commit: commit,
        request.Config: config,
        request.Create: create,
        request.Delete: delete,
        request.DeleteGroup: delete_group,
        request.DeleteRecords: delete_records,
        request.Fetch: fetch,
        request.Group: describe_group,
        request.Groups: list_groups,
        request.Help: show_help,
        request.Info: info,
        request.ListOffsets: list_offsets,
        request.Ping: ping,
        request.Poll: poll,
        request.Quit: quit_connection,
        request.Read: read,
        request.Seek: seek,
        request.Stats: stats,
        request.Subscribe: subscribe,
        request.Topics: list_topics,
        request.Unsubscribe: unsubscribe,
    }
)
