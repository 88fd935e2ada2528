"""How far results can be trusted: pure functions of scores measured again and again."""
