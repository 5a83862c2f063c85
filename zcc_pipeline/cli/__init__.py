"""The people's door: the zcc command."""
