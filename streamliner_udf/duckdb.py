"""Puts the functions into DuckDB: at import, at connect, or on a connection that is already open.

Three ways, best first: static registration with the process (DuckDB 2.0 and newer), LOAD of the bundled extension file,
and vectorised Arrow UDFs over the same kernels.
"""

from __future__ import annotations

import enum
import os
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from .errors import RegistrationError
from .sql import quoted

EXTENSION_NAME = "streamliner_udf"
# The extension repository of `streamliner trust`.
TRUSTED_REPOSITORY = "streamliner"
TRUSTED_LOAD = f"LOAD {EXTENSION_NAME} FROM {TRUSTED_REPOSITORY}"
SIGNATURE_SIZE = 256  # bytes at the end of an extension file
_ERROR_SIZE = 512
# On the module that all copies of this package share: a second registration would break every later connect.
_GUARD = "_streamliner_udf_registered_by"
# Settings that would stop a LOAD: they are applied right after it instead of at connect, in this order, because each
# may forbid the ones before it.
_AFTER_LOAD = (
    "allowed_directories",
    "allowed_paths",
    "disabled_filesystems",
    "enable_external_access",
    "lock_configuration",
)


class Backend(enum.Enum):
    """How a connection got the functions."""

    STATIC = "static"  # part of the process: every database that it opens has them
    EXTENSION = "extension"  # the bundled file was loaded into this database
    ARROW = "arrow"  # vectorised Python UDFs over the same kernels


@dataclass(frozen=True)
class Status:
    """What happened when the package was imported.

    backend : what `connect` will use.
    duckdb_version : of the DuckDB in this process.
    extension : the bundled extension file.
    reason : one sentence; why not a better backend, where there is one.
    """

    backend: Backend
    duckdb_version: str
    extension: Path
    reason: str


_status: Status | None = None
# One connect with a profile at a time: it looks whether it is the first, and then attaches the file again.
_opening = threading.Lock()


def extension_path() -> Path:
    """Path of the bundled `streamliner_udf.duckdb_extension`, which any DuckDB client can LOAD.

    Returns
    -------
    pathlib.Path
        One pure-C file for DuckDB 1.4 and newer (CLI, R, Java, Node, ...); they must allow unsigned extensions.

    Errors : RegistrationError if the installation lacks the file.

    Examples
    --------
    >>> extension_path().name
    'streamliner_udf.duckdb_extension'
    """
    path = Path(__file__).with_name(f"{EXTENSION_NAME}.duckdb_extension")
    if not path.is_file():
        raise RegistrationError(
            f"extension_path: expected the bundled extension at {path}, but the file is missing; reinstall the package"
        )
    return path


def status() -> Status:
    """What `import streamliner_udf` did, and why.

    Returns
    -------
    Status
        backend, duckdb_version, extension and reason.

    Examples
    --------
    >>> status().backend in (Backend.STATIC, Backend.EXTENSION)
    True
    """
    return _status or autoload()


def autoload() -> Status:
    """Registers the functions with this process where DuckDB can do that. Never fails; `status()` tells the outcome."""
    global _status
    if _status is None:
        try:
            backend, reason = _register_static()
        except Exception as error:  # an import must not fail because of a registration
            backend, reason = Backend.EXTENSION, f"static registration failed: {error}"
        path = Path(__file__).with_name(f"{EXTENSION_NAME}.duckdb_extension")
        _status = Status(backend, duckdb.__version__, path, reason)
    return _status


def _register_static() -> tuple[Backend, str]:
    if os.environ.get("STREAMLINER_UDF_AUTOLOAD", "1") == "0":
        return Backend.EXTENSION, "STREAMLINER_UDF_AUTOLOAD=0 switched the registration at import off"
    import _duckdb  # type: ignore[import-untyped,unused-ignore]

    path = extension_path()
    owner = getattr(_duckdb, _GUARD, None)
    if owner == str(path):
        return Backend.STATIC, "registered with this process"
    if owner is not None:
        reason = f"another copy of {EXTENSION_NAME} at {owner} is registered with this process; this one is not"
        warnings.warn(f"{EXTENSION_NAME}: {reason}", RuntimeWarning, stacklevel=4)
        return Backend.EXTENSION, reason
    import ctypes

    library = ctypes.CDLL(str(path))
    message = ctypes.create_string_buffer(_ERROR_SIZE)
    code = library.streamliner_udf_register_static(os.fsencode(_duckdb.__file__), message, _ERROR_SIZE)
    if code != 0:
        return Backend.EXTENSION, message.value.decode(errors="replace")
    setattr(_duckdb, _GUARD, str(path))
    return Backend.STATIC, "registered with this process"


def connect(
    database: str | os.PathLike[str] = ":memory:", *, profile: str | None = None, **kwargs: Any
) -> duckdb.DuckDBPyConnection:
    """`duckdb.connect` with the functions in it, on every supported DuckDB.

    Parameters
    ----------
    database : path, or ":memory:"
    profile : str, optional
        "pipeline" opens the database for text pipelines, by what this process may really use (`resources`): threads,
        memory_limit, a place to spill to with a limit, and in a file row groups that keep all threads busy from 20,000
        rows on. What `config` sets stays. A database that is open in this process already keeps its settings.
        docs/tuning.md tells why these and no others. By default DuckDB's settings are left alone.
    **kwargs
        As for `duckdb.connect` (read_only, config).

    Returns
    -------
    duckdb.DuckDBPyConnection
        Where the extension file has to be loaded, the database is opened with `allow_unsigned_extensions`, and the
        setting is off again before this function returns, unless the caller's config asked for it.

    Errors : RegistrationError if the functions can't be put on the connection, which is closed then; ValueError for a
    profile that is none; else as `duckdb.connect`.
    Cost : with a profile 3 milliseconds more.

    Examples
    --------
    >>> connect().execute("SELECT sl_slugify('Olá, Mundo!')").fetchone()
    ('ola-mundo',)
    """
    try:
        database = os.fspath(database)
    except TypeError:
        raise TypeError(f"connect: expected database to be a path, got {type(database).__name__}") from None
    load = status().backend is not Backend.STATIC and database != ":default:"
    if profile is not None:
        from . import profiles

        profiles.check(profile)
        with _opening:
            connection = _connect_and_set(database, kwargs, load, with_profile=True)
    elif load:
        connection = _connect_and_set(database, kwargs, load)
    else:
        connection = duckdb.connect(database, **kwargs)
    try:
        if not _is_native(connection):
            register(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_and_set(
    database: str, kwargs: dict[str, Any], load: bool, with_profile: bool = False
) -> duckdb.DuckDBPyConnection:
    """`duckdb.connect`, then the extension and the profile, then what would have been in their way."""
    config = {name.lower(): value for name, value in (kwargs.pop("config", None) or {}).items()}
    given = set(config)
    later = {name: config.pop(name) for name in _AFTER_LOAD if name in config}
    unsigned = config.pop("allow_unsigned_extensions", False) if load else False
    loading = {"allow_unsigned_extensions": True} if load else {}
    try:
        connection = duckdb.connect(database, config={**config, **loading}, **kwargs)
    except duckdb.ConnectionException as error:
        if "different configuration" not in str(error):
            raise
        # The file is open in this process with other settings: join it as it is, and let register() find a way.
        if unsigned:
            config["allow_unsigned_extensions"] = unsigned
        return duckdb.connect(database, config={**config, **later}, **kwargs)
    try:
        is_ours = True
        if load:
            # Others have this database open, and its settings are theirs as well.
            is_ours = not _is_native(connection)
            if is_ours:
                _load(connection)
                if str(unsigned).lower() not in ("true", "1"):
                    connection.execute("SET allow_unsigned_extensions = false")
        if with_profile:
            from . import profiles

            is_ours = profiles.apply(connection, given) and is_ours
        if is_ours:
            for name, value in later.items():
                connection.execute(f"SET {name} = {quoted(value)}")
        else:
            _expect_settings(connection, later)
    except BaseException:
        connection.close()
        raise
    return connection


def _expect_settings(connection: duckdb.DuckDBPyConnection, wanted: dict[str, Any]) -> None:
    for name, value in wanted.items():
        query = f"SELECT current_setting('{name}') IS NOT DISTINCT FROM {quoted(value)}"
        if connection.execute(query).fetchall() != [(True,)]:
            raise duckdb.ConnectionException(
                f"connect: expected the database to be open with {name} = {value!r}, but it is open in this process "
                "with a different configuration"
            )


def _load(connection: duckdb.DuckDBPyConnection) -> None:
    # On a cursor of its own: a refusal must not abort a transaction of the caller, nor drop a result not yet read.
    with connection.cursor() as cursor:
        cursor.execute(f"LOAD {quoted(extension_path())}")


def trusted_copy(root: Path, version: str, platform: str) -> Path:
    """Where DuckDB, with its extensions in `root`, keeps the copy that it loads FROM streamliner."""
    return root / version / platform / "repositories" / TRUSTED_REPOSITORY / f"{EXTENSION_NAME}.duckdb_extension"


def _load_trusted(connection: duckdb.DuckDBPyConnection) -> bool:
    """Loads the copy that `streamliner trust` made, if there is one and it is of this very file."""
    with connection.cursor() as cursor:
        try:
            # DuckDB 2.0.0 does not list it in duckdb_extensions().
            folder, version = cursor.execute(
                "SELECT current_setting('extension_directory'), library_version FROM pragma_version()"
            ).fetchall()[0]
            [(platform,)] = cursor.execute("PRAGMA platform").fetchall()
            root = Path(folder) if folder else Path.home() / ".duckdb" / "extensions"
            copy = trusted_copy(root, version, platform)
            if copy.read_bytes()[:-SIGNATURE_SIZE] != extension_path().read_bytes()[:-SIGNATURE_SIZE]:
                return False
            cursor.execute(TRUSTED_LOAD)
        except (duckdb.Error, OSError):  # no file system access, or no trust any more
            return False
    return True


def register(connection: duckdb.DuckDBPyConnection) -> Backend:
    """Puts the functions on an open connection, by the best way that it permits.

    Parameters
    ----------
    connection : an open `duckdb.DuckDBPyConnection`

    Returns
    -------
    Backend
        STATIC, EXTENSION or ARROW. Calling again changes nothing. No other setting is changed. In an open transaction
        an EXTENSION is seen from the next transaction on. ARROW is for this connection alone: each of its cursors needs
        a call of its own; and it runs statements on the connection, so a result that is not read yet is lost.

    Errors : RegistrationError, which names the one line that would make it possible; TypeError for anything but a
    connection.

    Examples
    --------
    >>> import duckdb
    >>> register(duckdb.connect()) in Backend
    True
    """
    if not isinstance(connection, duckdb.DuckDBPyConnection):
        raise TypeError(f"register: expected a duckdb.DuckDBPyConnection, got {type(connection).__name__}")
    present = _present(connection)
    if present is not None:
        return present
    try:
        _load(connection)
    except duckdb.Error as error:
        refused = str(error).splitlines()[0]
    else:
        return Backend.EXTENSION
    if _load_trusted(connection):
        return Backend.EXTENSION
    try:
        from ._arrow_udf import register_arrow

        register_arrow(connection)
    except ImportError as error:
        raise RegistrationError(
            f"register: expected a connection that can LOAD an extension, or pyarrow for the fallback; DuckDB says: "
            f"{refused}; Python says: {error}. Open it with streamliner_udf.connect(...), or pip install pyarrow, or "
            "on DuckDB 2.0 run `streamliner trust` once"
        ) from error
    return Backend.ARROW


def _works(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    # On a cursor of its own: a failing query must not touch a transaction of the caller.
    with connection.cursor() as cursor:
        try:
            cursor.execute(query).fetchall()
        except duckdb.Error:
            return False
    return True


def _has_arrow(connection: duckdb.DuckDBPyConnection) -> bool:
    # The macros can only be asked for on the connection itself, which drops a result that is not read yet, so first ask
    # elsewhere for what is under them.
    with connection.cursor() as cursor:
        query = "SELECT count(*) FROM duckdb_functions() WHERE starts_with(function_name, '_sl_')"
        if cursor.execute(query).fetchall() == [(0,)]:
            return False
    try:
        from ._arrow_udf import has_arrow
    except ImportError:
        return False
    return has_arrow(connection)


def _is_native(connection: duckdb.DuckDBPyConnection) -> bool:
    return _works(connection, "FROM sl_functions() LIMIT 0")


def _present(connection: duckdb.DuckDBPyConnection) -> Backend | None:
    """The way by which the connection has the functions already."""
    if not _is_native(connection):
        return Backend.ARROW if _has_arrow(connection) else None
    if status().backend is not Backend.STATIC:
        return Backend.EXTENSION
    try:
        with connection.cursor() as cursor:
            row = cursor.execute(
                "SELECT install_mode FROM duckdb_extensions() WHERE loaded AND extension_name = ?", [EXTENSION_NAME]
            ).fetchone()
    except duckdb.Error:  # no file system access, which that table needs
        return Backend.STATIC
    return Backend.STATIC if row is None or row[0] == "STATICALLY_LINKED" else Backend.EXTENSION
