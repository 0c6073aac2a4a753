"""The doors. A door talks to the bus and never to the rest of the coordinator, so any number of gateways may run."""
