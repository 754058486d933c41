"""Answers a mail in each way that the API has, and reports in a tag what was refused."""

import os
from email.message import EmailMessage

from mailroom.receiving import ReceivedMail
from mailroom.sending import NotSent, Sender

_sender = Sender(from_address=os.environ["SENDER"], tags={"by": "function"})


def on_mail(mail: ReceivedMail) -> None:
    to = mail.return_path or ""
    message = EmailMessage()
    message["Subject"], message["To"] = "Raw", to
    message.set_content("Hi\n")
    _sender.send(message, tags={"way": "raw"})
    _sender.send_simple(to=to, subject="Simple", text="Hi", tags={"way": "simple"})
    template, data = os.environ["TEMPLATE"], {"name": "Jane"}
    _sender.send_template(to=to, template=template, data=data, tags={"way": "template"})
    result = _sender.send_bulk([to], template=template, data=data, tags={"way": "bulk"})
    assert len(result.sent) == 1, [(one.code, one.error) for one in result.outcomes]
    try:
        Sender(from_address="boss@other.example").send_simple(to=to, subject="No", text="No")
    except NotSent as refusal:
        code = refusal.code
    else:
        code = "sent"
    _sender.send_simple(to=to, subject="Refused", text=code, tags={"way": "refused", "code": code})
