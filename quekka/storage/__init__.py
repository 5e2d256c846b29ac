"""The log on disk: segments and their indexes, written by one thread and read by any, without locks."""
