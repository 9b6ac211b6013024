"""Synthetic errors over correct text: pairs of a wrong sentence and its correction, to fine-tune a model on.

sentence.py takes a sentence apart, the modules named after kinds of errors each know how to make theirs, mixture.py draws how
many and which, pairs.py reads text and writes JSON lines. Everything is drawn from one seeded generator.
"""
