"""How fast architectures are ranked, beside PyTorch: `make bench SIZE=ranking`."""
