"""Words everyone shares: errors, time, ids, money, canonical bytes, evidence."""
