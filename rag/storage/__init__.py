"""Files that last: the catalog's database, its rows, folders of indexes, what was used last."""
