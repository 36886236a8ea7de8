"""Pictures and files made from golden traces."""
