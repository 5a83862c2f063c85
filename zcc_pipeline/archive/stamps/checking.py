"""Is that a time stamp of this text, and whose? Certificates are read by what checks one: few commands ever do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256, sha384, sha512
from pathlib import Path
from typing import TYPE_CHECKING

from zcc_pipeline.archive.stamps.der import with_sorted_certificates
from zcc_pipeline.domain.errors import ConfigurationError, PermanentError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

CA_SETTING = "ZCC_ARCHIVE_TIMESTAMP_CA"
_GRANTED = 0
_DIGESTS = {
    "2.16.840.1.101.3.4.2.1": sha256,
    "2.16.840.1.101.3.4.2.2": sha384,
    "2.16.840.1.101.3.4.2.3": sha512,
}


class BadStamp(PermanentError):
    """Not a time stamp of that text, or not by whom it should be. Says why."""


@dataclass(frozen=True, slots=True)
class Roots:
    """Certificates that are trusted to stamp, and those in between."""

    roots: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...]


def read_roots(path: Path) -> Roots:
    """From a PEM file; ``ConfigurationError`` where it holds none."""
    from cryptography.x509 import load_pem_x509_certificates

    purpose, example = "certificates of the time stamp authority", "/etc/zcc/tsa-ca.pem"
    try:
        found = load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror}"
        raise ConfigurationError(CA_SETTING, problem, purpose=purpose, example=example) from None
    except ValueError:
        found = []
    roots = tuple(each for each in found if each.subject == each.issuer)
    if not roots:
        problem = f"{path} holds no root certificate in PEM"
        raise ConfigurationError(CA_SETTING, problem, purpose=purpose, example=example)
    return Roots(roots, tuple(each for each in found if each.subject != each.issuer))


def check_stamp(reply: bytes, text: bytes, roots: Roots | None, *, nonce: int | None = None) -> datetime:
    """When that text was there, by the word of the authority; ``BadStamp`` where the reply does not say so.

    Without ``roots`` it is only looked at what was stamped, not who did: anyone could have.
    """
    response = _decode(reply)
    info = response.tst_info
    if roots is not None:
        _check_signature(response, text, roots)
    digest = _DIGESTS.get(info.message_imprint.hash_algorithm.dotted_string)
    if digest is None or digest(text).digest() != info.message_imprint.message:
        raise BadStamp("stamps another text")
    if nonce is not None and info.nonce != nonce:
        raise BadStamp("answers another request (its nonce is not the one that was sent)")
    return info.gen_time


def _decode(reply: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response

    try:
        response = decode_timestamp_response(with_sorted_certificates(reply))
        status = int(response.status)
    except ValueError:
        raise BadStamp("is no time stamp reply that can be read") from None
    if status != _GRANTED:
        raise BadStamp(f"was not granted (status {status})")
    try:
        _ = response.tst_info.message_imprint.hash_algorithm, response.tst_info.gen_time
    except ValueError:
        raise BadStamp("is no time stamp reply that can be read") from None
    return response


def _check_signature(response: TimeStampResponse, text: bytes, roots: Roots) -> None:
    from rfc3161_client import VerificationError, VerifierBuilder

    verifier = VerifierBuilder(roots=list(roots.roots), intermediates=list(roots.intermediates)).build()
    try:
        verifier.verify_message(response, text)
    except VerificationError as error:
        if "Mismatch between messages" in str(error):
            raise BadStamp("stamps another text") from None
        raise BadStamp(f"is not signed by an authority of {CA_SETTING}") from None
    except ValueError:
        raise BadStamp("holds a certificate that cannot be read") from None
