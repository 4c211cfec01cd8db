"""What people did about it: cases, capacity, verdicts that become labels."""
