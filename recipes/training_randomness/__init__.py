"""How much of an explanation is the text, and how much the chance of training?"""
