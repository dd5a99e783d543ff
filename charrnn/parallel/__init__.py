"""Worker processes and MPI ranks that train one model: a *group*. Alone it costs nothing."""
