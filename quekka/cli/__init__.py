"""The programs: one click command per file, talking to a broker through quekka.client only.

The offline programs (quekka-dump-log, quekka-verify-log) read the log through quekka.storage instead. What
all of them share, exit codes above all, is in `common`.
"""
