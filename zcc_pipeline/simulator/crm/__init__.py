"""Stand-ins for the five CRMs: stateful servers on loopback that accept, refuse and forget as the real ones do."""
