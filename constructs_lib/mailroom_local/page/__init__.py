"""The page of the local AWS: its mail, received and sent, each with its story.

All that the page shows comes from the JSON API of :mod:`mailroom_local.page.routes`.
"""
