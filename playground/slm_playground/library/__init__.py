"""The models folder as a library: adding models from addresses and files, checking, repairing and removing them."""
