"""A judge held against labels: the answers that are labelled, labels, agreement, and who looked at the test side."""
