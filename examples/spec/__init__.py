"""The specification's usage examples, word for word but for the imports; to import one is to carry it out."""
