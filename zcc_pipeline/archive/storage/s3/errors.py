"""What a bucket answers, as errors by consequence. Messages name settings and rights, never keys or contents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zcc_pipeline.domain.errors import ConfigurationError, HostUnreachable, PermanentError, TransientError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

KEYS = "ZCC_S3_ACCESS_KEY_ID, ZCC_S3_SECRET_ACCESS_KEY"
ENDPOINT = "ZCC_S3_ENDPOINT_URL"
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound"})
_BAD_KEYS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken"})
_BAD_BYTES = frozenset({"BadDigest", "XAmzContentChecksumMismatch", "InvalidDigest", "XAmzContentSHA256Mismatch"})
_LATER = frozenset({"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "OperationAborted"})
RIGHTS = {
    "put_object": "s3:PutObject (with a lock also s3:PutObjectRetention and s3:PutObjectLegalHold)",
    "create_multipart_upload": "s3:PutObject (with a lock also s3:PutObjectRetention and s3:PutObjectLegalHold)",
    "get_object": "s3:GetObject",
    "head_object": "s3:GetObject (of versions also s3:GetObjectVersion)",
    "list_objects_v2": "s3:ListBucket",
    "list_object_versions": "s3:ListBucketVersions",
    "put_object_retention": "s3:PutObjectRetention",
    "put_object_legal_hold": "s3:PutObjectLegalHold",
    "get_object_retention": "s3:GetObjectRetention",
    "get_object_legal_hold": "s3:GetObjectLegalHold",
    "get_object_lock_configuration": "s3:GetBucketObjectLockConfiguration",
    "get_bucket_versioning": "s3:GetBucketVersioning",
    "delete_object": "s3:DeleteObject and s3:DeleteObjectVersion",
}
"""Rights in the words of AWS (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html)."""


class AccessRefused(ConfigurationError):
    """These keys may not do that; or, of a delete, nobody may."""


class AlreadyThere(PermanentError):
    """Something is under a key at which only something new may be put."""


class ArrivedDamaged(TransientError):
    """The storage has refused bytes that are not those whose digest was sent with them."""


@contextmanager
def explained(operation: str, setting: str) -> Iterator[None]:
    """``FileNotFoundError`` for an object that is not there; ``setting`` is the one that names the bucket."""
    from botocore import exceptions as found

    try:
        yield
    except found.ClientError as error:
        raise _explanation(error, operation, setting) from None
    except (found.NoCredentialsError, found.PartialCredentialsError):
        raise ConfigurationError(KEYS, "there are no keys for the object storage") from None
    except found.SSLError:
        raise HostUnreachable(f"{ENDPOINT}: the server's certificate is not one that this machine trusts") from None
    except (found.EndpointConnectionError, found.ConnectTimeoutError, found.ProxyConnectionError):
        raise HostUnreachable(f"{ENDPOINT}: the object storage cannot be reached") from None
    except found.HTTPClientError as error:
        raise TransientError(f"object storage, {operation}: {type(error).__name__}") from None
    except found.BotoCoreError as error:
        raise PermanentError(f"object storage, {operation}: {type(error).__name__}") from None


def _explanation(error: ClientError, operation: str, setting: str) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _MISSING:
        return FileNotFoundError("no such object")
    if code in _BAD_BYTES:
        return ArrivedDamaged(f"object storage, {operation}: what arrived is not what was sent")
    if status in {409, 412}:
        return AlreadyThere(f"object storage, {operation}: somebody else has written there")
    if status >= 500 or status == 429 or code in _LATER:
        return TransientError(f"object storage, {operation}: {code or status}")
    return _set_wrong(code, status, operation, setting) or PermanentError(
        f"object storage, {operation}: {code or status}"
    )


def _set_wrong(code: str, status: int, operation: str, setting: str) -> ConfigurationError | None:
    if code == "NoSuchBucket":
        return ConfigurationError(
            setting, "there is no such bucket", purpose="whoever runs the storage makes it", example="s3://bucket/zcc"
        )
    if code in _BAD_KEYS:
        return ConfigurationError(KEYS, f"the object storage does not know these keys ({code})")
    if status in {401, 403}:
        text = f"the object storage refuses {operation} to these keys ({code})"
        return AccessRefused(KEYS, text, purpose=f"the right {RIGHTS.get(operation, operation)} on that bucket")
    return None
