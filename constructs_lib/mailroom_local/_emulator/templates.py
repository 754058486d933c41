"""Renders a template without sending it, which ministack does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.query import Parameters, Response, answer, one, required, result
from mailroom_local._emulator.sending_parts import rendered, stored_template
from mailroom_local._ses_error import SesError
from mailroom_local.sending import templates
from mailroom_local.sending.compose import compose


def _test_v1(parameters: Parameters) -> Response:
    name = required(parameters, "TemplateName", "templateName")
    text = _message(stored_template(name), one(parameters, "TemplateData") or "")
    return result("TestRenderTemplate", {"RenderedTemplate": text})


def _test_v2(data: Mapping[str, Any], name: str) -> Response:
    content = internals.ses.templates.get(name)
    if content is None:
        raise SesError("NotFound", f"Template {name} does not exist")
    return answer({"RenderedTemplate": _message(content, str(data.get("TemplateData") or ""))})


def _message(stored: Mapping[str, str], data: str) -> str:
    try:
        content = rendered(stored, data)
    except templates.RenderingFailed as failure:
        raise SesError("MissingRenderingAttribute", str(failure)) from None
    return compose(content, source="", to=(), cc=(), dated=True).decode()


OPERATIONS: Mapping[str, Callable[[Parameters], Response]] = {"TestRenderTemplate": _test_v1}
ROUTES: Mapping[tuple[str, str], Callable[..., Response]] = {
    ("POST", r"/templates/([^/]+)/render"): _test_v2,
}
