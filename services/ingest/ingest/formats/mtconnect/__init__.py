"""MTConnect: what an agent says of a machine, how long it ran, and what capacity it has left. Pure."""
