"""WorkMail: organizations, their email flow rules, and their mailboxes."""
