"""What a client is told that it may do: everything, since there is no authorizer.

A bit for each of Kafka's operations that exist for the kind of resource, by the operation's number. Source:
org.apache.kafka.common.acl.AclOperation, kafka.security.authorizer.AclEntry.supportedOperations.
"""

NOT_ASKED_FOR = -(2**31)
"""What Kafka answers to a client that did not ask."""

READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS = range(3, 12)
IDEMPOTENT_WRITE = 12


def _bits(*operations: int) -> int:
    return sum(1 << operation for operation in operations)


TOPIC_OPERATIONS = _bits(READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS)
GROUP_OPERATIONS = _bits(READ, DELETE, DESCRIBE)
CLUSTER_OPERATIONS = _bits(
    CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE
)
