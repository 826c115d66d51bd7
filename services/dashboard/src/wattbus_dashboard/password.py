"""The password of the page: its hash on disk, and the cookie of who has given it."""

import os
import secrets
from hashlib import sha256
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from itsdangerous import BadSignature, TimestampSigner

HASH_FILE = "password.hash"
SECRET_FILE = "session.secret"  # noqa: S105 - a file's name
LEAST_LENGTH = 8
COOKIE_VALID_S = 30 * 86_400


class Password:
    """The hash in `state_dir`; verifying takes some tens of milliseconds, on purpose."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._hasher = PasswordHasher()
        self._hash = _read(state_dir / HASH_FILE)

    @property
    def is_set(self) -> bool:
        """Whether the page asks for a password."""
        return self._hash is not None

    def set(self, password: str) -> None:
        """Keep the hash of a new password; ValueError if it is too short."""
        if len(password) < LEAST_LENGTH:
            raise ValueError(f"a password has at least {LEAST_LENGTH} characters")
        self._hash = self._hasher.hash(password)
        _write(self._state_dir / HASH_FILE, self._hash)

    def is_right(self, guess: str) -> bool:
        """Whether this is the password."""
        if self._hash is None:
            return False
        try:
            return self._hasher.verify(self._hash, guess)
        except (VerificationError, InvalidHashError):
            return False

    def cookie_signer(self) -> TimestampSigner:
        """Return what signs cookies: a new password makes all earlier ones worthless."""
        secret = _read(self._state_dir / SECRET_FILE)
        if secret is None:
            secret = secrets.token_hex(32)
            _write(self._state_dir / SECRET_FILE, secret)
        mark = sha256((self._hash or "").encode()).hexdigest()
        return TimestampSigner(secret, salt=f"wattbus-dashboard-{mark}", digest_method=sha256)


def new_cookie(signer: TimestampSigner) -> str:
    """Return the cookie of somebody who has just given the password."""
    return signer.sign(secrets.token_hex(8)).decode()


def is_valid_cookie(signer: TimestampSigner, cookie: str | None) -> bool:
    """Whether a cookie was made here, with the present password, and is not too old."""
    if not cookie:
        return False
    try:
        signer.unsign(cookie, max_age=COOKIE_VALID_S)
    except BadSignature:
        return False
    return True


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip() or None
    except FileNotFoundError:
        return None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")
    beside.replace(path)
