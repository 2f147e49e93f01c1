"""Gates that need a judge: pure functions over the scores that it gave."""
