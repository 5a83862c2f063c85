"""Own your Zoom Contact Center engagement data, provably complete."""
