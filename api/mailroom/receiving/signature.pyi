__all__ = ["signed", "verify"]

def signed(
    body: bytes,
    secret: str,
    *,
    event_id: str,
    timestamp: int,
) -> dict[str, str]: ...
def verify(
    body: object,
    headers: Mapping[str, str],
    secret: str,
) -> None: ...
