"""What is said of the wells of a plate: its shape, values by well, and what stands out."""
