"""An ETL job: extract three sources, clean them, join and aggregate, load SQLite tables, read them back.

``flow.py`` holds the job, ``cleaning.py`` what is right and wrong with a row, ``marts.py`` the nested workflow that
joins and aggregates, and ``model.py`` the rows. ``python -m examples.etl`` loads the sources in ``data``.
"""
