"""Which errors can end a command, and with which exit code?

A finding about footage (a mismatch, an unreadable file) is a value and never one of these.

    AssetwatchError
    |-- UsageError         2  the command line or what it names is wrong
    |-- ConfigError        2  the configuration file is wrong: file, key, what was expected
    |-- CatalogError       3  the catalog cannot be used: locked, corrupt, newer, disk full
    |-- VolumeError        3  a volume cannot be watched or read at all
    |-- HeldError          3  another daemon holds the volume: who and since when
    `-- ServiceError       3  systemd could not do what was asked of it
"""

from __future__ import annotations


class AssetwatchError(Exception):
    """The base of what is shown to a person in one line, without a traceback.

    `exit_code` is the process's exit code (contract, part 3).
    """

    exit_code = 3


class UsageError(AssetwatchError):
    """Something in the call is wrong; the message says what to give instead."""

    exit_code = 2


class ConfigError(AssetwatchError):
    """The configuration cannot be used; the message names the file, the key and what was expected."""

    exit_code = 2


class CatalogError(AssetwatchError):
    """The catalog cannot be opened or written; the message names it and the way out."""


class VolumeError(AssetwatchError):
    """A volume cannot be looked at; the message names its root and the reason."""


class HeldError(AssetwatchError):
    """A volume is already in the care of a running daemon; the message says which."""


class ServiceError(AssetwatchError):
    """The service could not be installed, started or removed; the message has systemd's own words."""
