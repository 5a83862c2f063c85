"""A stand-in for Zoom Contact Center, held to its published definition."""
