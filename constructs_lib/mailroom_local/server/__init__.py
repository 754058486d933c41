"""The process of a local AWS: the emulator with mail, and SMTP both ways."""
