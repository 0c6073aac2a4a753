"""Where else agents' metrics are written: databases of time series that somebody has already."""
