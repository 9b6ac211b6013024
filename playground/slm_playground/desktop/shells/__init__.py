"""Ways to show the page, behind one interface (base.py). Which ones a machine has and in what order: choose.py."""
