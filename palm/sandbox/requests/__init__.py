"""How a request is checked: its signature, its parameters, its quota; and how it is rejected."""
