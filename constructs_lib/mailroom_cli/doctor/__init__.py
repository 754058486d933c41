"""Looks at the machine and at an account, and says what is wrong and what to do about it."""
