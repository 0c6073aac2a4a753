"""REST, one noun a file. Each route names its permission and its errors; what it asks of other rooms goes over the bus."""
