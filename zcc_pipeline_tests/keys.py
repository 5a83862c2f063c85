"""Two RSA keys, made anew for each run of the tests: none is kept anywhere."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def private_pem(key: RSAPrivateKey) -> str:
    """Without a passphrase."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: RSAPrivateKey) -> str:
    """What an app would know of it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


KEY = generate_private_key(public_exponent=65_537, key_size=2_048)
PRIVATE_KEY = private_pem(KEY)
PUBLIC_KEY = public_pem(KEY)
OTHER_PRIVATE_KEY = private_pem(generate_private_key(public_exponent=65_537, key_size=2_048))
