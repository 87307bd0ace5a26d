"""The SDKs: what programs that follow a board are written with."""
