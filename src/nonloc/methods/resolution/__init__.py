"""Methods that enlarge a picture."""
