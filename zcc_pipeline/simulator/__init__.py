"""Stand-ins for the outside world as real servers; shares no code with what they stand in for."""
