"""Says of each mail how it came, and what is in it."""

import json

from mailroom.receiving import BucketMail, ReceivedMail


def on_mail(mail: ReceivedMail) -> None:
    way = "S3" if isinstance(mail, BucketMail) else (mail.action or {}).get("encoding")
    print(json.dumps({"way": way, "text": mail.text, "from": mail.source, "to": mail.recipients}))
