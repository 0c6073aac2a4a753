"""Dashboards for Grafana, and what provisions them. `python -m deploy.grafana` writes the dashboards anew; a test keeps them equal."""
