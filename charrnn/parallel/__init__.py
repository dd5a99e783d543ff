"""Several processes that train one model: a *team*."""
