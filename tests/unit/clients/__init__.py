"""The SDKs without sockets."""
