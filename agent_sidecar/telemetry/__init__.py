"""What the host of a local backend is doing: CPU, memory, disk, network, and its cards where there are any."""
