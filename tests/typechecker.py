"""beartype with Python's numeric tower: an int is welcome where a float is annotated."""

from beartype import BeartypeConf, beartype

typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True))
