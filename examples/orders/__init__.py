"""Order processing: check an order, reserve its goods, price it, charge it, and ship it or say why not.

``flow.py`` holds the nodes and their wiring, ``pricing.py`` the nested workflow that prices an order, ``model.py`` the
types that travel between nodes, and ``shop.py`` the shop whose stock and accounts an order changes.
``python -m examples.orders`` carries out the orders of ``sample.json``.
"""
