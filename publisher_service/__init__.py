"""Redis → tables → websockets: any number of replicas, each with its own clients.."""
