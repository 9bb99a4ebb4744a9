"""What `benches/run` and `benches/siege` are made of; benches/README.md has the method."""
