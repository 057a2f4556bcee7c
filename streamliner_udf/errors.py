"""Errors: one class for each status of the C kernels, each also the closest built-in."""

from __future__ import annotations


class StreamlinerError(Exception):
    """Base of all errors that this package raises of its own."""


class OutOfMemory(StreamlinerError, MemoryError):
    """A result did not fit into memory."""


class InvalidUTF8(StreamlinerError, ValueError):
    """Bytes that are no UTF-8, or a str with a lone surrogate, which has no UTF-8."""


class InvalidArgument(StreamlinerError, ValueError):
    """An option that the function does not know or does not allow."""


class TextTooLong(StreamlinerError, ValueError):
    """A text, or a column of results, above the limit of its form."""


class RegistrationError(StreamlinerError, RuntimeError):
    """The functions could not be put on a connection; the message names what would make it possible."""


# In the order of sl_status in csrc/streamliner.h, from its first error on.
BY_STATUS: tuple[type[StreamlinerError], ...] = (OutOfMemory, InvalidUTF8, InvalidArgument, TextTooLong)
