"""The picture's geometry without a browser: twin of labextension/src/graph, held to it by golden files."""
