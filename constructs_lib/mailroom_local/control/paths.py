"""The server's own HTTP paths, in addition to those of AWS."""

from __future__ import annotations

STATUS_PATH = "/_mailroom/status"
SENT_PATH = "/_mailroom/sent"
ENFORCE_PATH = "/_mailroom/permissions/enforced"
IGNORE_PATH = "/_mailroom/permissions/ignored"
