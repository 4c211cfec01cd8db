"""How documents look: one template for HTML and one for PDF, both of the same data."""
