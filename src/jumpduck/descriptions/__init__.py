"""What describes a download to others: what to cite, its card, its metadata."""
