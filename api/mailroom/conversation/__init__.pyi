__all__ = ["Split", "bounce_address", "read_token", "reply_address", "split", "split_html"]

class Split:
    def __init__(
        self,
        new: str,
        quoted: str,
        signature: str,
    ) -> None: ...
    new: object
    quoted: object
    signature: object
    ...

def bounce_address(
    address: str,
    *,
    token: Mapping[str, Value],
    key: Keys,
    expires_in: timedelta | None = None,
) -> str: ...
def read_token(
    addresses: Iterable[str],
    *,
    key: Keys,
    purpose: int = REPLY,
) -> dict[str, Value] | None: ...
def reply_address(
    address: str,
    *,
    token: Mapping[str, Value],
    key: Keys,
    expires_in: timedelta | None = None,
) -> str: ...
def split(
    text: str,
    html: str | None = None,
) -> Split: ...
def split_html(
    html: str,
) -> Split: ...
