"""What to do: policy, decide, reasons, record."""
