"""What `benches/run` is made of; benches/README.md has the method."""
