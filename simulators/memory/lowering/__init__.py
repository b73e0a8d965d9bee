"""From a trace to the requests that the compiled model serves: addresses decoded, neighbours linked."""
