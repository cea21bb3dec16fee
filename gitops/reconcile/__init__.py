"""One GitSync, forever: what its repository says becomes what the cluster is, and the status says where that stands."""
