"""Where an OffsetSpec lies in several partitions at once."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from quekka.errors import OffsetOutOfRangeError
from quekka.offset_spec import OffsetSpec

if TYPE_CHECKING:
    from quekka.client import Admin, TopicPartition


def find_offsets(
    admin: "Admin", partitions: Iterable["TopicPartition"], where: OffsetSpec
) -> dict["TopicPartition", int]:
    """The offset of `where` in each partition.

    Raises OffsetOutOfRangeError that names the partition where a plain offset does not exist: one that is
    meant for another partition would else silently mean something else there.
    """
    found = {}
    for partition in partitions:
        try:
            found[partition] = admin.list_offsets(*partition, where)
        except OffsetOutOfRangeError as error:
            raise OffsetOutOfRangeError(f"{partition}: {error.message}") from None
    return found
