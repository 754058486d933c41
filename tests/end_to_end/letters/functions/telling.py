"""Prints what was clicked and delivered."""

from mailroom.events import Click, Delivery


def on_click(event: Click) -> None:
    print(f"clicked {event.mail.message_id}")


def on_delivery(event: Delivery) -> None:
    print(f"delivered {event.mail.message_id}")
