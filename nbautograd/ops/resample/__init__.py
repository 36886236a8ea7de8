"""Images and volumes at other sizes and other places."""
