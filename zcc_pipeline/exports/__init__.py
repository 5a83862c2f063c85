"""Out to the CRMs: what leaves, how it is mapped, and the one way in which every destination is written to."""
