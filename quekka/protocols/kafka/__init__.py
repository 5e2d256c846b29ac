"""The Kafka wire protocol, without sockets.

In reading order: `api_keys` (what is served), `fields` (the language of the field tables), `api_NN_name` (the
messages of an API key), `primitives` and `schema` (from tables to readers and writers), `framing` (headers),
`connection` (bytes in, requests out), `codec` (messages by key), `fetch_pieces` (a response whose records
are still in a file). The tables follow Kafka's own message definitions; the guide to the protocol is
https://kafka.apache.org/protocol.
"""
