"""How the documentation is built: from the docstrings, the pages beside this file, and pictures made by code."""

import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import make_pictures  # noqa: E402
from sphinx.addnodes import pending_xref  # noqa: E402

import ambikit  # noqa: E402
from benchmarks import page  # noqa: E402

project = "ambikit"
author = "The ambikit developers"
copyright = "the ambikit developers (MIT licence)"
version = release = ambikit.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
templates_path = ["templates"]

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # shapes are shown beside the names already, and their * would begin an emphasis
napoleon_use_admonition_for_notes = True
toc_object_entries = False
python_display_short_literal_types = True
maximum_signature_line_length = 88

html_theme = "furo"
html_title = "ambikit"
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}


def name_the_array(app, what, name, obj, options, signature, return_annotation):
    """Arrays are of either library, so they are Any when the code runs; here they are called Array again."""

    def renamed(text):
        return text and re.sub(r"(\w+)\[Any, '([^']*)'\]", r'\1[Array, "\2"]', text)

    return renamed(signature), renamed(return_annotation)


def join_plain_returns(app, what, name, obj, options, lines):
    """A Returns section written as a sentence is kept a sentence, not taken for a list of names and types."""
    for start in range(len(lines) - 2):
        if lines[start].strip() == "Returns" and set(lines[start + 1].strip()) == {"-"}:
            end = start + 2
            while end < len(lines) and lines[end].strip():
                end += 1
            body = lines[start + 2 : end]
            if not any(line.startswith(" ") for line in body):
                lines[start + 2 : end] = [":", *("    " + line for line in body)]  # a field without name and type
            return


def keep_axes_plain(app, doctree):
    """The words in the shapes of annotations name axes; they are no links to attributes that happen to be called so."""
    for link in list(doctree.findall(pending_xref)):
        target, kind = link.get("reftarget", ""), (link.get("refdomain"), link.get("reftype"))
        if kind in (("py", "class"), ("py", "obj")) and target.isidentifier() and target.islower():
            link.replace_self(link.children)


def make_generated_files(app):
    """Pictures, tables and page stubs come from code and results as they are now, none from an earlier build."""
    page.write(HERE / "generated" / "performance")
    make_pictures.make_all(HERE / "generated" / "pictures")


def setup(app):
    shutil.rmtree(HERE / "generated", ignore_errors=True)
    app.connect("builder-inited", make_generated_files, priority=100)
    app.connect("doctree-read", keep_axes_plain)
    app.connect("autodoc-process-signature", name_the_array)
    app.connect("autodoc-process-docstring", join_plain_returns, priority=400)
