"""What `benches/siege` is made of: one module for each part, and their tools."""
