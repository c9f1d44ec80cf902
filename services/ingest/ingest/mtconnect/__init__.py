"""MTConnect at work: machines that parties register, their agents, and what is told of them."""
