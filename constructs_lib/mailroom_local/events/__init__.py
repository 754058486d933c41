"""The sending events of SES."""
