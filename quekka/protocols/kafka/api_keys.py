"""Which requests are served, and in which versions: one row for each API key.

The ranges decide what clients send: each picks the highest version that it and the row know. The lowest
versions are those of Kafka 4 (KIP-896), which every client of the last years can speak. `flexible_from` is
the first version with compact lengths and tagged fields (KIP-482); -1 where there is none.

Produce is listed from 0 but served from 3: librdkafka before 2.11.1 looks for exactly these old versions to
learn that gzip, snappy and lz4 are understood, and else sends everything uncompressed (KAFKA-18659).
JoinGroup is listed from 0 for a like reason (KAFKA-19444).

Source of the numbers: org.apache.kafka.common.protocol.ApiKeys and the message definitions.
"""

import re
from typing import NamedTuple

from quekka.protocols.kafka.fields import Versions


class Api(NamedTuple):
    """A row: an API key and the versions of it that we speak."""

    key: int
    name: str
    versions: Versions
    """As told to clients."""
    flexible_from: int = -1
    served_from: int = 0
    """Lower versions are told, but answered with UNSUPPORTED_VERSION."""

    @property
    def module_name(self) -> str:
        """The module with the field tables of this key."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).lower()
        return f"quekka.protocols.kafka.api_{self.key:02}_{words}"

    def is_flexible(self, version: int) -> bool:
        return 0 <= self.flexible_from <= version

    def serves(self, version: int) -> bool:
        return max(self.versions.first, self.served_from) <= version <= self.versions.last

    def request_header_version(self, version: int) -> int:
        """2 has tagged fields after the client id, 1 has none."""
        return 2 if self.is_flexible(version) else 1

    def response_header_version(self, version: int) -> int:
        """1 has tagged fields after the correlation id, 0 has none.

        ApiVersions stays at 0, because a client reads its response before it knows what the broker speaks.
        """
        return 1 if self.is_flexible(version) and self.key != API_VERSIONS else 0


PRODUCE = 0
FETCH = 1
API_VERSIONS = 18

APIS: tuple[Api, ...] = (
    Api(PRODUCE, "Produce", Versions(0, 11), flexible_from=9, served_from=3),
    Api(FETCH, "Fetch", Versions(4, 12), flexible_from=12),
    Api(2, "ListOffsets", Versions(1, 9), flexible_from=6),
    Api(3, "Metadata", Versions(0, 12), flexible_from=9),
    Api(8, "OffsetCommit", Versions(2, 9), flexible_from=8),
    Api(9, "OffsetFetch", Versions(1, 9), flexible_from=6),
    Api(10, "FindCoordinator", Versions(0, 5), flexible_from=3),
    Api(11, "JoinGroup", Versions(0, 9), flexible_from=6),
    Api(12, "Heartbeat", Versions(0, 4), flexible_from=4),
    Api(13, "LeaveGroup", Versions(0, 5), flexible_from=4),
    Api(14, "SyncGroup", Versions(0, 5), flexible_from=4),
    Api(15, "DescribeGroups", Versions(0, 6), flexible_from=5),
    Api(16, "ListGroups", Versions(0, 5), flexible_from=3),
    Api(API_VERSIONS, "ApiVersions", Versions(0, 4), flexible_from=3),
    Api(19, "CreateTopics", Versions(2, 7), flexible_from=5),
    Api(20, "DeleteTopics", Versions(1, 6), flexible_from=4),
    Api(21, "DeleteRecords", Versions(0, 2), flexible_from=2),
    Api(22, "InitProducerId", Versions(0, 5), flexible_from=2),
    Api(23, "OffsetForLeaderEpoch", Versions(2, 4), flexible_from=4),
    Api(29, "DescribeAcls", Versions(1, 3), flexible_from=2),
    Api(30, "CreateAcls", Versions(1, 3), flexible_from=2),
    Api(31, "DeleteAcls", Versions(1, 3), flexible_from=2),
    Api(32, "DescribeConfigs", Versions(1, 4), flexible_from=4),
    Api(33, "AlterConfigs", Versions(0, 2), flexible_from=2),
    Api(35, "DescribeLogDirs", Versions(1, 4), flexible_from=2),
    Api(37, "CreatePartitions", Versions(0, 3), flexible_from=2),
    Api(42, "DeleteGroups", Versions(0, 2), flexible_from=2),
    Api(43, "ElectLeaders", Versions(0, 2), flexible_from=2),
    Api(44, "IncrementalAlterConfigs", Versions(0, 1), flexible_from=1),
    Api(46, "ListPartitionReassignments", Versions(0, 0), flexible_from=0),
    Api(47, "OffsetDelete", Versions(0, 0)),
    Api(60, "DescribeCluster", Versions(0, 2), flexible_from=0),
    Api(61, "DescribeProducers", Versions(0, 0), flexible_from=0),
    Api(75, "DescribeTopicPartitions", Versions(0, 0), flexible_from=0),
)

APIS_BY_KEY: dict[int, Api] = {api.key: api for api in APIS}
