"""The SDKs against real servers."""
