"""The client-side encryption of an S3 action that has a ``KmsKeyArn``.

A plain ``get_object`` then returns ciphertext, on AWS as here; the format is the one that the
Amazon S3 encryption client reads.
https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-s3.html
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_IV_BYTES = 12
_TAG_BITS = 128


def encrypt(
    body: bytes, *, kms: Any, key_arn: str, context: dict[str, str]
) -> tuple[bytes, dict[str, str]]:
    """The ciphertext, and the object metadata with which it can be decrypted."""
    data_key = kms.generate_data_key(KeyId=key_arn, KeySpec="AES_256", EncryptionContext=context)
    iv = os.urandom(_IV_BYTES)
    metadata = {
        "x-amz-key-v2": base64.b64encode(data_key["CiphertextBlob"]).decode(),
        "x-amz-iv": base64.b64encode(iv).decode(),
        "x-amz-cek-alg": "AES/GCM/NoPadding",
        "x-amz-wrap-alg": "kms",
        "x-amz-tag-len": str(_TAG_BITS),
        "x-amz-matdesc": json.dumps(context),
        "x-amz-unencrypted-content-length": str(len(body)),
    }
    return AESGCM(data_key["Plaintext"]).encrypt(iv, body, None), metadata
