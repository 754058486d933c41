"""How SES receives: which rules match, and their actions."""
