"""Events over the WebSocket subscription."""
