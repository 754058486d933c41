"""How SES sends: what is accepted, what a recipient gets, and what becomes of it."""
