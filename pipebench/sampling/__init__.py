"""A bounded part of data that nobody has indexed, as a dataset whose index is kept elsewhere."""
