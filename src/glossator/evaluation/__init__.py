"""How good an explanation is: one file per metric, pure functions of games and scores."""
