"""What a user asks for, the SQL that says it, and suggestions for misspelt names."""
