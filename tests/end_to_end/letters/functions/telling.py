"""Prints what was clicked."""

from mailroom.events import Click


def on_click(event: Click) -> None:
    print(f"clicked {event.mail.message_id}")
