"""How SES sends: what is accepted, what a recipient gets, and what happens to it."""
