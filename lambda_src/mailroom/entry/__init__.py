"""What Lambda calls; the only code that imports the user's function."""
