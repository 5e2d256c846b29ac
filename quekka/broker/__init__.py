"""Topics, writer threads, groups and housekeeping: a broker that does not know how a request was spelled."""
