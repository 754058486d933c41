"""SES's SMTP server and password of a region."""

from __future__ import annotations

__all__ = ["smtp_host", "smtp_password"]


def smtp_password(secret_access_key: str, region: str) -> str:
    """Return the SMTP password that SES derives from an IAM user's access key (version 4).

    https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html

    Args:
        secret_access_key: The secret of the access key; its id is the SMTP user name.
        region: The region in which the password is to work, such as ``eu-west-1``.
    """
    import hmac
    from binascii import b2a_base64

    signature = b"AWS4" + secret_access_key.encode()
    for text in ("11111111", region, "ses", "aws4_request", "SendRawEmail"):
        signature = hmac.digest(signature, text.encode(), "sha256")
    return b2a_base64(b"\x04" + signature, newline=False).decode()


def smtp_host(region: str) -> str:
    """Return the host name of SES's SMTP server in *region*, such as ``eu-west-1``."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"email-smtp.{region}.{suffix}"
