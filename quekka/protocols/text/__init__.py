"""The Quekka text protocol, version 1: lines that a person can type into `nc`.

In reading order: `grammar` (the table of commands), `request` (what a line means, as values), `connection`
(bytes in, requests out), `replies` and `render` (values in, bytes out). The contract is quekka-protocol(7).
"""
