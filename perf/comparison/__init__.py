"""The parts of perf/compare.py: quekkad beside other servers under the same loads; see quekka-perf(1).

loads.py             the table of loads, and how each is run against one server
clients.py           what presses on a server, from a process of its own
open_loop.py         records sent when they are due, and their receiver
ordinary_clients.py  the same through clients that people use
process_tree.py      processor time and memory of a server with all its processes
rounds.py            loads and servers in turns
outcome.py           what was found, by load, figure and server
goals.py             what quekkad is held against
table.py             rows for people
plot.py              a drawing of the medians
"""
