"""How Firehose and Athena decide; `_emulator` carries it out."""
