"""The data folder: records that all shells share, what it holds, how it is moved and emptied."""
