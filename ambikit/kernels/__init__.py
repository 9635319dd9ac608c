"""Compiled loops: serial, nogil, without checks, importing nothing else of ambikit; each beside its plain formula."""
