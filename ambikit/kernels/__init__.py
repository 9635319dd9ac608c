"""Compiled loops: serial, nogil, without checks, importing nothing of ambikit; each beside its plain formula."""
