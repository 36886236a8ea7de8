"""The textbook: every differentiable function with its gradient rules, by theme."""
