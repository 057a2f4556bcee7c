"""The bundled extension, signed with a key of this machine, as an extension repository that DuckDB 2.0 trusts.

For what neither the registration at import nor `connect` reaches: connections that were opened before the import and
allow no unsigned extensions, and other clients of the same DuckDB. Nothing is written but by `streamliner trust`.
Source: DuckDB 2.0's CREATE EXTENSION REPOSITORY. Its signatures are RSA with 2048 bits, PKCS #1 v1.5, over the SHA-256
of the SHA-256 of each MiB, in the last 256 bytes of the file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from .duckdb import EXTENSION_NAME, SIGNATURE_SIZE, TRUSTED_LOAD, TRUSTED_REPOSITORY, extension_path, trusted_copy
from .errors import RegistrationError
from .sql import quoted

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

__all__ = ["Plan", "Step", "carry_out", "plan", "plan_removal", "remove"]

_CHUNK = 1 << 20
_PUBLIC_PART = 266  # modulus and exponent 65537 in DER, the same bytes in both halves of a key of 2048 bits
_LEFT_OVER = "key.pem." + "[0-9a-f]" * 8  # as _write names what is not whole yet
_VERIFY = f"""
import duckdb
with duckdb.connect() as connection:
    connection.execute({TRUSTED_LOAD!r})
    print(connection.execute("SELECT sl_version()").fetchall()[0][0])
"""


@dataclass(frozen=True)
class Step:
    """One thing that is written or taken away, and whether it is so already."""

    path: str
    what: str
    done: bool


@dataclass(frozen=True)
class Plan:
    """What `carry_out` or `remove` would do."""

    duckdb_version: str
    platform: str
    steps: tuple[Step, ...]
    stays: tuple[Step, ...] = ()  # what `remove` leaves, and why

    @property
    def open_steps(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if not step.done)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(f"  {step.path}\n      {step.what}" for step in self.open_steps)


@dataclass(frozen=True)
class _Places:
    """Where everything is. DuckDB's own folders are those of a connection without settings."""

    home: Path
    version: str
    platform: str

    @property
    def ours(self) -> Path:
        return self.home / ".streamliner_udf"

    @property
    def key(self) -> Path:
        return self.ours / "key.pem"

    @property
    def prefix(self) -> Path:
        return self.ours / "repository"

    @property
    def signed(self) -> Path:
        return self.prefix / self.version / self.platform / f"{EXTENSION_NAME}.duckdb_extension"

    @property
    def listed(self) -> Path:
        return self.home / ".duckdb" / "extension_repositories" / f"{TRUSTED_REPOSITORY}.duckdb_extension.repo.json"

    @property
    def extensions(self) -> Path:
        return self.home / ".duckdb" / "extensions"

    @property
    def installed(self) -> Path:
        return trusted_copy(self.extensions, self.version, self.platform)


def _home() -> Path:
    """As DuckDB finds it: by the variable alone, where Python would also ask the system."""
    name = "USERPROFILE" if os.name == "nt" else "HOME"
    home = os.environ.get(name, "")
    if not (os.path.isabs(home) and os.path.isdir(home)):
        raise RegistrationError(
            f"trust: expected {name} to name your home folder, where DuckDB looks for what you trust, got "
            f"{repr(home) + ', which is no such folder' if home else 'nothing'}"
        )
    return Path(home)


def _places() -> _Places:
    home = _home()
    with duckdb.connect() as connection:
        [(version,)] = connection.execute("SELECT library_version FROM pragma_version()").fetchall()
        [(platform,)] = connection.execute("PRAGMA platform").fetchall()
    return _Places(home, str(version), str(platform))


def _check_folder(path: Path) -> None:
    """Who can write to the folder of the key can put another key there."""
    if os.name != "posix" or not os.path.lexists(path):
        return
    if not path.is_dir():
        raise RegistrationError(f"trust: expected {path} to be a folder, but it is none; move it away")
    status = path.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise RegistrationError(
            f"trust: expected {path} to be yours (user {os.geteuid()}) and writable by you alone (700), got user "
            f"{status.st_uid} and {status.st_mode & 0o777:o}: others may have put a key there; streamliner trust "
            "--remove, take the folder away, and trust anew"
        )


def _listed(connection: duckdb.DuckDBPyConnection) -> tuple[str, list[str]] | None:
    """Prefix and public keys of the repository that has our name."""
    rows = connection.execute(
        "SELECT * FROM duckdb_extension_repositories() WHERE #1 = ?", [TRUSTED_REPOSITORY]
    ).fetchall()
    return (str(rows[0][1]), list(rows[0][4] or [])) if rows else None


def _note(path: Path) -> tuple[str, list[str]] | None:
    """The same from DuckDB's file, which is all there is before DuckDB 2.0; a note that cannot be read is nobody's."""
    if not os.path.lexists(path):
        return None
    try:
        note = json.loads(path.read_bytes())
        return str(note["url"]), [str(key) for key in note["public_keys"]]
    except (OSError, ValueError, KeyError, TypeError):
        return "", []


def _is_ours(places: _Places, prefix: str, keys: list[str]) -> bool:
    """By the key too: a home that was moved or restored has a note with the path of before."""
    return prefix == str(places.prefix) or any(_belongs(places.key, key) for key in keys)


def _belongs(private: Path, public: str) -> bool:
    """Whether these are halves of one key, told by their bytes: `remove` does without the package cryptography."""
    try:
        lines = private.read_text("ascii").splitlines()
        content = base64.b64decode("".join(line for line in lines if not line.startswith("-----")))
        part = base64.b64decode(public)[-_PUBLIC_PART:]
    except (OSError, ValueError):
        return False
    return len(part) == _PUBLIC_PART and part in content


def _new_key() -> RSAPrivateKey:
    try:
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError:
        raise _no_cryptography() from None
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _no_cryptography() -> RegistrationError:
    return RegistrationError(
        "trust: expected the package cryptography, which makes the key and the signature, but it is not here; "
        "pip install cryptography"
    )


def _read_key(path: Path) -> RSAPrivateKey | None:
    """The key of before, if there is one, and nobody else could have read it."""
    if not path.exists():
        return None
    mode = path.stat().st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        raise RegistrationError(
            f"trust: expected {path} to be readable by its owner alone (600), got {mode:o}: others may have the key; "
            "streamliner trust --remove, and trust anew"
        )
    try:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise _no_cryptography() from None
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size != 2048:
        raise RegistrationError(
            f"trust: expected {path} to hold an RSA key of 2048 bits, but it does not; streamliner trust --remove, "
            "and trust anew"
        )
    return key


def _signed(extension: bytes, key: RSAPrivateKey) -> bytes:
    """The same key and file give the same bytes."""
    from cryptography.hazmat.primitives.asymmetric import padding, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    body = extension[:-SIGNATURE_SIZE]
    parts = (hashlib.sha256(body[at : at + _CHUNK]).digest() for at in range(0, len(body), _CHUNK))
    digest = hashlib.sha256(b"".join(parts)).digest()
    return body + key.sign(digest, padding.PKCS1v15(), utils.Prehashed(SHA256()))


def _public(key: RSAPrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def _holds(path: Path, content: bytes | None) -> bool:
    return content is not None and path.is_file() and path.read_bytes() == content


def plan() -> Plan:
    """What `carry_out` will write, and where; nothing is written yet.

    Errors : RegistrationError before DuckDB 2.0, without a home folder, without cryptography, for a key that others can
    read or a folder of it that others can write to, and where another repository has our name.
    """
    places = _places()
    if int(places.version.removeprefix("v").split(".")[0]) < 2:
        raise RegistrationError(
            f"trust: expected DuckDB 2.0 or newer, which can be told whom to trust, got {places.version}; "
            "open databases with streamliner_udf.connect(...)"
        )
    _check_folder(places.ours)
    key = _read_key(places.key)
    if key is None:
        _new_key()  # so that a missing package is told before anything is promised
    with duckdb.connect() as connection:
        listed = _listed(connection)
    if listed is not None and not _is_ours(places, *listed):
        raise RegistrationError(
            f"trust: expected no extension repository named {TRUSTED_REPOSITORY}, or ours at {places.prefix}, got one "
            f"at {listed[0]}; DROP EXTENSION REPOSITORY {TRUSTED_REPOSITORY} in DuckDB if it is not needed"
        )
    signed = _signed(extension_path().read_bytes(), key) if key else None
    steps = (
        Step(str(places.key), "a new private key (RSA, 2048 bits) that only you can read", key is not None),
        Step(str(places.signed), "the bundled extension, signed with it", _holds(places.signed, signed)),
        Step(
            str(places.listed),
            f"DuckDB's note that you trust extensions in {places.prefix} that this key has signed",
            key is not None and listed == (str(places.prefix), [_public(key)]),
        ),
        Step(
            str(places.installed),
            "the copy that DuckDB loads, and a file .info beside it",
            _holds(places.installed, signed),
        ),
    )
    return Plan(places.version, places.platform, steps)


def carry_out() -> Plan:
    """Writes what `plan` says, and sees in a new process that a plain connection can load the extension.

    Returns the plan as it is now, with nothing left to do. What was done before is not done again.
    """
    before = plan()
    if not before.open_steps:
        return before
    places = _Places(_home(), before.duckdb_version, before.platform)
    places.ours.mkdir(mode=0o700, exist_ok=True)
    key = _read_key(places.key)
    if key is None:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = _new_key()
        _write(places.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    places.signed.parent.mkdir(parents=True, exist_ok=True)
    _write(places.signed, _signed(extension_path().read_bytes(), key))
    with duckdb.connect() as connection:
        try:
            connection.execute("SET allow_extension_repositories = 'allowed'")  # of this connection alone
            connection.execute(
                f"CREATE OR REPLACE EXTENSION REPOSITORY {TRUSTED_REPOSITORY} PREFIX {quoted(places.prefix)} "
                f"USING PUBLIC KEY {quoted(_public(key))}"
            )
            connection.execute(f"FORCE INSTALL {EXTENSION_NAME} FROM {TRUSTED_REPOSITORY}")
        except duckdb.Error as error:
            raise RegistrationError(
                f"trust: expected DuckDB {places.version} to take the repository, but it says: {error}; "
                "streamliner trust --remove takes away what was written"
            ) from error
    _verify()
    return plan()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and never for others to read."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _verify() -> None:
    # This process has the functions already, by the registration at import.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _VERIFY], env=environment, capture_output=True, text=True, timeout=120
        )
    except subprocess.TimeoutExpired as error:
        raise RegistrationError(
            f"trust: expected {TRUSTED_LOAD} to work in a new process, got no answer in {error.timeout:g} s; "
            "streamliner trust --remove takes away what was written"
        ) from None
    from . import __version__

    if done.returncode or done.stdout.strip() != __version__:
        last = done.stderr.strip().splitlines()[-1:] or [f"version {done.stdout.strip()!r}"]
        raise RegistrationError(
            f"trust: expected {TRUSTED_LOAD} to work in a new process, got: {last[0]}; "
            "streamliner trust --remove takes away what was written"
        )


def plan_removal() -> Plan:
    """What `remove` will take away: all that `carry_out` ever wrote, for every version of DuckDB.

    Told by the files alone, so that it works after a downgrade of DuckDB too.
    """
    places = _places()
    note = _note(places.listed)
    theirs: list[Step] = []
    copies = sorted(places.extensions.glob(str(trusted_copy(Path(), "*", "*").parent)))
    if note is not None and not _is_ours(places, *note):
        # Somebody else's, and so are the copies under its name.
        theirs.append(
            Step(
                str(places.listed),
                f"DuckDB's note that you trust a repository at {note[0] or 'a place that cannot be read'}, with a key "
                f"that is not known here; DROP EXTENSION REPOSITORY {TRUSTED_REPOSITORY} in DuckDB if it is not needed",
                False,
            )
        )
        theirs += [Step(str(copy), "what was installed from there", False) for copy in copies]
        copies = []
    # The key goes last: as long as it is there, a removal that was stopped can tell what is ours, and go on.
    found = [
        *([(places.listed, "DuckDB's note that you trust the repository")] if note is not None and not theirs else []),
        *((copy, "the copy that DuckDB loads") for copy in copies),
        (places.prefix, "the signed extension"),
        *((key, "a private key, of a run that was stopped") for key in sorted(places.ours.glob(_LEFT_OVER))),
        (places.key, "the private key"),
    ]
    found = [(path, what) for path, what in found if os.path.lexists(path)]
    links = [path for path, _ in found if path.is_symlink() and path.exists()]
    linked = [Step(os.path.realpath(path), f"what {path} points to", False) for path in links]
    return Plan(
        places.version,
        places.platform,
        tuple(Step(str(path), what, False) for path, what in found),
        (*theirs, *linked),
    )


def remove() -> Plan:
    """Takes away what `plan_removal` says, links without what they point to; returns what that was."""
    planned = plan_removal()
    for step in planned.steps:
        path = Path(step.path)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    ours = _Places(_home(), planned.duckdb_version, planned.platform).ours
    if ours.is_dir() and not ours.is_symlink() and not any(ours.iterdir()):
        ours.rmdir()
    return planned
