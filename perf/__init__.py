"""Measures a real broker from outside, over its sockets: see quekka-perf(1).

run.py             the command line
loads/             one file per family of loads
bench.py           what a load is given: brokers, clients, rounds
broker_process.py  starts, stops and kills bin/quekkad
remote_client.py   a client in a process of its own
wire.py            sockets with as little parsing as still proves that all came
batches.py         record batches of a wanted size
batch_sender.py    appends one batch many times
sampler.py         what the broker's process used meanwhile
figures.py         numbers over rounds, and the goals they are held against
limits.py          what this machine can do at best, for ratios
machine.py         which machine, versions and commit
report.py          results as JSON and as a table
ratios.py          two results beside each other
compare.py         the command line that measures quekkad beside other servers
comparison/        its loads, rounds, goals, table and drawing
peers/             those servers, one file each
errors.py          what can go wrong while measuring
"""
