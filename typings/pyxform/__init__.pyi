# What is used of pyxform, which has no types of its own.
