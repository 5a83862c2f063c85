"""The lake of record versions and the store of files."""
