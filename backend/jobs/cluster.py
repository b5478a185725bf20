"""The hands: a Dask scheduler with two workers on this machine, or a scheduler somewhere else.

Dask obeys whoever can connect, so every connection is TLS with a certificate that only this data root holds, and the
dashboard is off. A scheduler elsewhere (`RESITU_SCHEDULER`) must use the same `tls` folder and the same data root;
its workers offer the resource `train` or `quick`.
"""

from __future__ import annotations

import contextlib
import datetime
import importlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.settings import load

WORKERS = {"trainer": "train", "quick": "quick"}  # name -> the resource that it offers
LOOPBACK = "127.0.0.1"
CONFIG = {
    "distributed.scheduler.allowed-failures": 0,  # retries are ours
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
}


@contextlib.contextmanager
def connected() -> Iterator[Any]:
    """A `distributed.Client`. Local workers end with the block."""
    os.environ["DASK_DISTRIBUTED__LOGGING__DISTRIBUTED"] = "error"  # for the workers' processes too
    import dask

    dask.config.set({**CONFIG, "temporary-directory": str(load().home / "scratch")})
    distributed = importlib.import_module("distributed")  # its calls have no types
    security = make_security(distributed)
    with contextlib.ExitStack() as stack:
        address = load().scheduler or stack.enter_context(_local(distributed, security))
        yield stack.enter_context(distributed.Client(address, security=security, set_as_default=False))


def _local(distributed: Any, security: Any) -> Any:
    link = {"host": LOOPBACK, "protocol": "tls://", "security": security}
    # Dask opens an HTTP port even without a dashboard: it answers nothing, and only here.
    link |= {"dashboard": False, "dashboard_address": f"{LOOPBACK}:0"}

    def worker(resource: str) -> dict[str, Any]:
        # memory_limit 0: Dask sees the worker's memory, not its child's, so its limit would mean nothing.
        return {
            "cls": distributed.Nanny,
            "options": {"nthreads": 1, "resources": {resource: 1}, "memory_limit": 0, **link},
        }

    return distributed.SpecCluster(
        workers={name: worker(resource) for name, resource in WORKERS.items()},
        scheduler={"cls": distributed.Scheduler, "options": {"port": 0, **link}},
        security=security,
        silence_logs=logging.ERROR,
        name="resitu",
    )


def make_security(distributed: Any) -> Any:
    """TLS both ways, with the data root's own certificate; made where it is missing."""
    certificate, key = map(str, make_certificate(load().home / "tls"))
    files: dict[str, str] = {}
    for part in ("client", "scheduler", "worker"):
        files |= {f"tls_{part}_cert": certificate, f"tls_{part}_key": key}
    return distributed.Security(tls_ca_file=certificate, require_encryption=True, **files)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, key), self-signed, for ten years; both 0600 in a folder 0700. Existing ones are kept."""
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chmod(folder, 0o700)
    if not (certificate_path.exists() and key_path.exists()):
        for path, content in zip((key_path, certificate_path), _new_pair(), strict=True):
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
    return certificate_path, key_path


def _new_pair() -> tuple[bytes, bytes]:
    """(key, certificate) as PEM. The certificate is its own authority: it vouches for itself and for nothing else."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Resitu")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return pem, certificate.public_bytes(serialization.Encoding.PEM)
