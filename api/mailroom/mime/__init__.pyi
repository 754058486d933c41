__all__ = ["build", "load", "parse", "parse_logged", "read", "read_logged"]

def build(
    root: Part,
) -> EmailMessage: ...
def load(
    stream: BufferedIOBase,
) -> bytes: ...
def parse(
    data: bytes,
) -> Part: ...
def parse_logged(
    stream: BufferedIOBase,
    event: str,
    message_id: str,
) -> Part: ...
def read(
    data: bytes,
) -> EmailMessage: ...
def read_logged(
    stream: BufferedIOBase,
    event: str,
    message_id: str,
) -> EmailMessage: ...
