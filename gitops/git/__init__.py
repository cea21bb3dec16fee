"""Git: a bare mirror of a repository, the trees of its commits, and the work tree on disk.

`mirror.Mirror` implements the `Repository` port; `checkout.open_path` serves the command line. pygit2 is imported here
and nowhere else, only values leave, and no work tree is ever written: files are read straight from the object database.
"""
