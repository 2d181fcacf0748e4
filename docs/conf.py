"""How Sphinx makes the documentation's site: `tox -e docs` builds it into build/site, with warnings as errors."""

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

from duis_gateway import __version__

project = "duis-gateway"
version = release = __version__
extensions = ["myst_parser", "sphinxcontrib.mermaid"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["examples"]
nitpicky = True

# Headings get the anchors that they have on code hosts' pages, which the links between pages use.
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

html_theme = "furo"
html_title = f"duis-gateway {__version__}"
html_show_sphinx = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Have what Pygments does not know shown as it is."""
    app.add_lexer("csv", TextLexer)
