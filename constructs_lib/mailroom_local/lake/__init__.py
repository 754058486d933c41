"""What Firehose and Athena decide."""
