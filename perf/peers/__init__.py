"""The servers that quekkad is measured beside, one file for each; see quekka-perf(1).

connection.py        what a client of any of them can do, and counting of lines
frames.py            frames with their length before them
server.py            a server as a child process
kafka_connection.py  Kafka's protocol, for quekkad and for Kafka
"""

from collections.abc import Mapping

from perf.peers.beanstalkd import BeanstalkdServer
from perf.peers.kafka import KafkaServer
from perf.peers.nats import NatsServer
from perf.peers.quekka_kafka import QuekkaKafkaServer
from perf.peers.quekka_text import QuekkaTextServer
from perf.peers.rabbitmq import RabbitmqServer
from perf.peers.redis import RedisServer
from perf.peers.server import Server

PEERS: Mapping[str, type[Server]] = {
    server.name: server
    for server in (
        QuekkaTextServer,
        QuekkaKafkaServer,
        RedisServer,
        NatsServer,
        RabbitmqServer,
        BeanstalkdServer,
        KafkaServer,
    )
}
"""In the order of the table's columns."""
