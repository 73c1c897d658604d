"""How fast architectures are ranked, against PyTorch: `make bench SIZE=ranking`."""
