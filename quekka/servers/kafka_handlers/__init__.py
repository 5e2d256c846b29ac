"""What each request of the Kafka protocol does: a table from the API key to the function for it.

`api_NN_name.py` has the behaviour of the key whose messages are in protocols/kafka/ under the same name. A
handler gets the session, the request and its version, and gives one of

    the response       encoded and sent in its turn
    a Promise          whose response is there later (kafka_session.py); only Produce makes them
    None               when the client wants no response

A QuekkaError that a handler raises becomes the response's own `error_code` (and `error_message`), so it may
be raised where a response has that field; errors of single topics or partitions are the handler's to place,
numbered by `session.error_number`.

What has no row is not advertised. Handlers are imported when the first request for them comes.
"""

import functools
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from quekka.protocols.kafka.api_keys import APIS, APIS_BY_KEY, Api
from quekka.servers.kafka_session import KafkaSession

Handler = Callable[[KafkaSession, Any, int], Any]

HANDLER_NAMES: Mapping[int, str] = MappingProxyType(
    {
        0: "produce",
        1: "fetch",
        2: "list_offsets",
        3: "metadata",
        8: "offset_commit",
        9: "offset_fetch",
        10: "find_coordinator",
        11: "join_group",
        12: "heartbeat",
        13: "leave_group",
        14: "sync_group",
        15: "describe_groups",
        16: "list_groups",
        18: "api_versions",
        19: "create_topics",
        20: "delete_topics",
        21: "delete_records",
        22: "init_producer_id",
        23: "offset_for_leader_epoch",
        29: "describe_acls",
        30: "create_acls",
        31: "delete_acls",
        32: "describe_configs",
        33: "alter_configs",
        35: "describe_log_dirs",
        37: "create_partitions",
        42: "delete_groups",
        43: "elect_leaders",
        44: "incremental_alter_configs",
        46: "list_partition_reassignments",
        47: "offset_delete",
        60: "describe_cluster",
        61: "describe_producers",
        75: "describe_topic_partitions",
    }
)
"""By API key, the function in that key's module."""


@functools.cache
def handler_for(api_key: int) -> Handler:
    """The function that serves a key of the table; raises KeyError for any other."""
    name = HANDLER_NAMES[api_key]
    module_name = APIS_BY_KEY[api_key].module_name.rpartition(".")[2]
    handler: Handler = getattr(import_module(f"{__name__}.{module_name}"), name)
    return handler


def served_apis() -> list[Api]:
    """What clients are told: the keys that have a handler."""
    return [api for api in APIS if api.key in HANDLER_NAMES]
