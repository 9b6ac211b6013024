"""What a bundle is worth at a task, measured on text that people wrote."""
