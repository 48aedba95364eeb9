"""What to do with a budget: allocations, the advice they make, and how earlier advice did."""
