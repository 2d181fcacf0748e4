"""Folders of certificates and revocation lists, read again when a file in them has changed."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from cryptography import x509

from duis_gateway.machine.files import read_plain
from duis_gateway.pki.certificates import UNREADABLE, CertificateUnusable, why_unreadable

_log = logging.getLogger(__name__)
_CERTIFICATE_ENDINGS = frozenset({".pem", ".crt", ".cer", ".der"})
_CRL_ENDINGS = frozenset({".pem", ".crl", ".der"})
_T = TypeVar("_T")
_Snapshot = tuple[tuple[str, int, int, int], ...]


class WatchedFolder(Generic[_T]):
    """What `load` makes of a folder, made again when a file was added, removed, replaced or written.

    The first load raises what `load` raises. A later one that fails keeps what was loaded before, so that a file
    caught half-written takes nobody's trust away; it is logged, and tried again at the next change.

    Every call looks at the folder itself, whose time changes when a file comes, goes or is replaced by another. Its
    files, which may be written in place, are looked at again after `every` seconds: that is a system call for each
    file, in every one of which a busy process may lose its turn to another thread.
    """

    def __init__(self, folder: Path, load: Callable[[Path], _T], every: float = 0.0) -> None:
        self._folder = folder
        self._load = load
        self._every = every
        self._lock = threading.Lock()
        self._changed = _changed(folder)
        self._look_at = time.monotonic() + every
        self._seen: _Snapshot | None = _snapshot(folder)
        self._value = load(folder)

    def look_again(self) -> None:
        """Have the next call load the folder again, whether it seems to have changed or not."""
        self._changed, self._look_at, self._seen = 0, 0.0, None

    def current(self) -> _T:
        """Return the value for the folder as it is now."""
        now, changed = time.monotonic(), _changed(self._folder)
        if changed == self._changed and now < self._look_at:
            return self._value
        seen = _snapshot(self._folder)
        self._changed, self._look_at = changed, now + self._every
        if seen == self._seen:
            return self._value
        with self._lock:
            if seen != self._seen:
                try:
                    self._value = self._load(self._folder)
                except CertificateUnusable as error:
                    _log.error("kept what was loaded before: %s", error)
                self._seen = seen
            return self._value


def read_certificates(folder: Path) -> list[x509.Certificate]:
    """Return every certificate in the folder's `.pem`, `.crt`, `.cer` and `.der` files; keys are passed over.

    Raises:
        CertificateUnusable: the folder or a file cannot be read; the text names it.
    """
    return [loaded for path in _files(folder, _CERTIFICATE_ENDINGS) for loaded in _certificates_of(path)]


def read_crls(folder: Path) -> list[x509.CertificateRevocationList]:
    """Return every revocation list in the folder's `.pem`, `.crl` and `.der` files.

    Raises:
        CertificateUnusable: the folder or a file cannot be read; the text names it.
    """
    return [loaded for path in _files(folder, _CRL_ENDINGS) for loaded in _crls_of(path)]


def _changed(folder: Path) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


def _snapshot(folder: Path) -> _Snapshot:
    try:
        with os.scandir(folder) as entries:
            files = [(entry.name, entry.stat()) for entry in entries if entry.is_file()]
    except OSError:
        return ()
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in files))


def _files(folder: Path, endings: frozenset[str]) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in endings and path.is_file())
    except OSError as error:
        raise CertificateUnusable(f"{folder}: {error.strerror}") from None


def _certificates_of(path: Path) -> list[x509.Certificate]:
    data = _read(path)
    try:
        if b"-----BEGIN CERTIFICATE-----" in data:
            found = x509.load_pem_x509_certificates(data)
        else:
            found = [] if b"-----BEGIN" in data else [x509.load_der_x509_certificate(data)]
        for certificate in found:
            _ = (certificate.subject, certificate.issuer)  # read now what would otherwise fail at somebody's message
        return found
    except UNREADABLE as error:
        raise CertificateUnusable(f"{path}: not a certificate: {why_unreadable(data, error)}") from None


_CRL_BEGIN, _CRL_END = b"-----BEGIN X509 CRL-----", b"-----END X509 CRL-----"


def _crls_of(path: Path) -> list[x509.CertificateRevocationList]:
    data = _read(path)
    try:
        if b"-----BEGIN" not in data:
            found = [x509.load_der_x509_crl(data)]
        else:
            parts = data.split(_CRL_BEGIN)[1:]
            found = [x509.load_pem_x509_crl(_CRL_BEGIN + part.split(_CRL_END)[0] + _CRL_END + b"\n") for part in parts]
        for crl in found:
            _ = (crl.issuer, crl.last_update_utc, [entry.serial_number for entry in crl])
        return found
    except UNREADABLE as error:
        raise CertificateUnusable(f"{path}: not a revocation list: {str(error)[:200]}") from None


def _read(path: Path) -> bytes:
    try:
        return read_plain(path)
    except OSError as error:
        raise CertificateUnusable(f"{path}: {error.strerror}") from None
