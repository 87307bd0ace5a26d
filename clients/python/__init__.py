"""The Python SDK. Installed, its package is `banggia_client`; in this repository it is imported by its path."""
