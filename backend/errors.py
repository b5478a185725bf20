"""Errors for people: what happened, why, and how to mend it.

A `UserError` is shown as it is, on a page or on the command line (exit code 1). Anything else that reaches the
top is a defect: its traceback goes to the log, and the user is told where that is.
"""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend."""

    def __init__(self, what: str, why: str = "", mend: str = "") -> None:
        super().__init__(" ".join(part for part in (what, why, mend) if part))
        self.what, self.why, self.mend = what, why, mend

    def to_dict(self) -> dict[str, str]:
        return {"kind": type(self).__name__, "what": self.what, "why": self.why, "mend": self.mend}


class DataError(UserError):
    """A file or a data set cannot be used as it is."""


class NotFound(UserError):
    """An id names nothing here."""


class InUse(UserError):
    """Something else still needs it."""


class GeneMismatch(UserError):
    """The genes of a data set do not fit those a model was trained on."""


class Stopped(Exception):
    """Raised inside a job when it was told to cancel; never shown as a failure."""
