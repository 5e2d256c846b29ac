"""quekkad through Kafka's protocol."""

from perf.peers.kafka_connection import KafkaConnection
from perf.peers.quekka_text import QuekkaTextServer


class QuekkaKafkaServer(QuekkaTextServer):
    """The same program and settings as for the text protocol, in a process of its own."""

    name = "quekka-kafka"
    connection = KafkaConnection
