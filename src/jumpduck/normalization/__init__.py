"""Profiles made comparable: aggregate, filters, transforms, and chains of them."""
