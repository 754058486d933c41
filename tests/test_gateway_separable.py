"""A mail gateway is in folders named ``gateway``, and can leave with them."""

from pathlib import Path, PurePath

from separable import assert_imports_and_synthesizes, copy_without


def test_without_gateway_every_module_imports_and_an_example_synthesizes(tmp_path: Path) -> None:
    def has_gateway(path: PurePath) -> bool:
        return "gateway" in path.parts

    assert_imports_and_synthesizes(copy_without(has_gateway, tmp_path))
