"""What the stories need from the outside world: one Protocol a file, plain values in and out."""
