"""What a user asks for, and suggestions for misspelt names."""
