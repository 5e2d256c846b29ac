"""Sans-I/O grammars: bytes in, values out, and back. Nothing here knows a socket, a thread or a file."""
