"""May it run, and can we show why: inventory, evidence, documents, gate, audit."""
