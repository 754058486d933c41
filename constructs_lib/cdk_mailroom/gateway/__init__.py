"""Receiving, filtering and routing mail with Mail Manager."""
