"""From a checkpoint to a verified bundle. Importing the package is cheap; torch is loaded by the modules that need it."""
