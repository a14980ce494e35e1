"""How well profiles tell treatments apart, and by how much more than chance."""
