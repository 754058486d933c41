__all__ = ["acknowledge"]

def acknowledge(
    scope: Construct,
    findings: Mapping[str, Mapping[str, str]],
) -> None: ...
