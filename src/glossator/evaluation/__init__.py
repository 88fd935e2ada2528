"""How good an explanation is: pure functions of games and scores, one file per measure."""
