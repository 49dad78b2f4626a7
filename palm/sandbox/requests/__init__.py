"""What a request is held to: its signature, its parameters, its quota, and how it is refused."""
