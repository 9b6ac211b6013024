"""Specialise a language model for one task: LoRA on its linear layers, loss on the answers only.

examples.py reads the data, encode.py turns it into tokens, batches.py packs examples of like length, model.py adds the LoRA
weights, loop.py trains (through accelerate: CPU, one GPU, several machines), store.py keeps checkpoints that are whole at any
moment. What comes out is a PEFT adapter folder that `slm-export model BASE --adapter ADAPTER` takes.
LoRA: https://arxiv.org/abs/2106.09685.
"""
