"""What can be seen of a running monitor from outside: numbers for Prometheus, its state, spans of OpenTelemetry.

Nothing is ever sent from here: Prometheus comes and asks, and spans go where the OpenTelemetry of the application takes
them.
"""
