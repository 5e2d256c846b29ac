"""What can go wrong while measuring; one base, so that the command line can say it in one line."""


class PerfError(Exception):
    """The base of all."""


class UnknownLoadError(PerfError):
    """No load is called that; the message lists those that are."""


class BrokerFailedError(PerfError):
    """The broker did not get ready, or did not stop; the message ends with its log."""


class ClientFailedError(PerfError):
    """The client raised, ended, or did not answer; the message holds its traceback."""


class WrongReplyError(PerfError):
    """The broker answered something else than what the load counts on; the message quotes it."""


class NoSuchModeError(PerfError):
    """The server cannot do what the load asks for; the message says why."""


class NotAResultError(PerfError):
    """The file is no result of this program, or one of another format."""
