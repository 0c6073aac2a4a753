"""What operators of other systems see of Hive: real Prometheus, a real time series database, a receiver of OpenTelemetry."""
